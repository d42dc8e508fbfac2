//! The shape of plans: what sugar becomes, which conversions are written down, what is shared.

use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, bind};

fn catalogue() -> Catalogue {
    let columns = [
        ("id", Type::String),
        ("n", Type::Long),
        ("i", Type::Int),
        ("t", Type::Datetime),
        ("d", Type::Dynamic),
    ];
    let columns = columns.map(|(name, ty)| Column::new(name, ty)).to_vec();
    let tables = vec![Table { name: "T".to_owned(), schema: Schema::new(columns) }];
    Catalogue { tables, default_table: Some("T".to_owned()), ignore_case: true, discovered: Vec::new() }
}

fn check(query: &str, expected: &[&str]) {
    let bound = bind(query, Dialect { implicit_table: true }, &catalogue()).unwrap();
    let found = bound.explain();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{query}\n{found}");
}

#[test]
fn sugar_is_made_of_few_nodes() {
    check("T | top 3 by n", &["Limit 3", "  Sort n desc nulls last", "    Table T"]);
    check("count", &["Aggregate Count = count()", "  Table T"]);
    check("t | distinct ID", &["Aggregate by ID = id", "  Table T"]);
    check("T | project-away t, d*", &["Project id, n, i", "  Table T"]);
    check(
        "T | summarize x = sum(n) / count(), max(i) by id, bin(t, 1d)",
        &[
            "Project id, t, x = ($aggregate0 / $aggregate1), max_i = $aggregate2",
            "  Aggregate $aggregate0 = sum(n), $aggregate1 = count(), $aggregate2 = max(i) by id, t = bin(t, timespan(1.00:00:00))",
            "    Table T",
        ],
    );
    check(
        "T | where row_number() > 2",
        &["Project id, n, i, t, d", "  Filter ($window0 > 2)", "    Window row_number()", "      Table T"],
    );
}

#[test]
fn conversions_are_written_down() {
    check("T | where i > 1.5", &["Filter (real(i) > 1.5)", "  Table T"]);
    check("T | where d.a.b[0] == 'x'", &["Filter (string(d['a']['b'][0]) == 'x')", "  Table T"]);
    check(
        "T | project x = i + 1, y = t - 1h",
        &["Project x = (long(i) + 1), y = (t - timespan(01:00:00))", "  Table T"],
    );
    check(
        "T | where d.tags has 'x'",
        &["Filter Has{case false not false}(string(d['tags']), 'x')", "  Table T"],
    );
    check(
        "T | extend x = iff(n > 1, i, 2.5)",
        &["Project id, n, i, t, d, x = iff((n > 1), real(i), 2.5)", "  Table T"],
    );
    check(
        "T | where t between (ago(1d) .. 1h)",
        &[
            "Filter Between { negated: false}(t, ago(timespan(1.00:00:00)), (ago(timespan(1.00:00:00)) + timespan(01:00:00)))",
            "  Table T",
        ],
    );
}

#[test]
fn tables_are_joined_and_shared() {
    check(
        "T | join kind=leftouter (T | project id, n) on id, $left.i == $right.n",
        &[
            "Join LeftOuter on id == id and long(i) == n gives (id: string, n: long, i: int, t: datetime, d: dynamic, id1: string, n1: long)",
            "  Table T",
            "  Project id, n",
            "    Table T",
        ],
    );
    check(
        "let x = materialize(T | take 1); x | union x",
        &[
            "shared 0:",
            "  Limit 1",
            "    Table T",
            "Union gives (id: string, n: long, i: int, t: datetime, d: dynamic)",
            "  Shared 0",
            "  Shared 0",
        ],
    );
    check(
        "T | where id in ((T | where n > toscalar(T | summarize avg(n)) | project id))",
        &[
            "Filter id in { Project id <  Filter (real(n) > first of { Aggregate avg_n = avg(real(n)) <  Table T }) <    Table T }",
            "  Table T",
        ],
    );
    check(
        "let f = (a: long, s: string = 'x') { T | where n == a and id == s }; f(2)",
        &["Filter ((n == 2) and (id == 'x'))", "  Table T"],
    );
    check(
        "T | mv-apply e = d.list to typeof(long) on (summarize s = sum(e))",
        &[
            "Apply d['list'] to long gives (id: string, n: long, i: int, t: datetime, d: dynamic, s: long)",
            "  Table T",
            "  Aggregate s = sum(e)",
            "    Project id, n, i, t, d, e",
            "      Elements",
        ],
    );
}

#[test]
fn a_plug_in_whose_columns_only_the_data_knows_is_bound_in_two_steps() {
    let query = "T | project id, d | evaluate bag_unpack(d) | where size > 3 | project id, size";
    let first = bind(query, Dialect::default(), &catalogue()).unwrap();
    assert!(first.explain().contains("Plugin 0 bag_unpack(d) gives (id: string, …)"), "{}", first.explain());
    assert!(first.explain().contains("late size"));
    // Its input was run, and these are the columns.
    let found = Schema::new(vec![Column::new("id", Type::String), Column::new("size", Type::Long)]);
    let again = Catalogue { discovered: vec![Some(found)], ..catalogue() };
    let second = bind(query, Dialect::default(), &again).unwrap();
    assert!(second.explain().contains("Filter (size > 3)"), "{}", second.explain());
    assert_eq!(second.outputs[0].plan.schema.columns[1], Column::new("size", Type::Long));
}

#[test]
fn several_answers_and_drawing_are_said() {
    let bound = bind("T | facet by id, i with (take 2)", Dialect::default(), &catalogue()).unwrap();
    let names: Vec<_> = bound.outputs.iter().map(|output| output.name.as_deref()).collect();
    assert_eq!(names, [Some("id"), Some("i"), None]);
    let bound = bind(
        "T | summarize count() by id | render piechart with (title='x')",
        Dialect::default(),
        &catalogue(),
    )
    .unwrap();
    let render = bound.outputs[0].render.as_ref().unwrap();
    assert_eq!((render.chart.as_str(), render.properties.len()), ("piechart", 1));
}
