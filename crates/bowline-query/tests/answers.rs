//! Queries over a table, with what the documentation's cases do not show: columns that only the data knows, ends of axes, limits, errors.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bowline_kql::engine::{Answer, Engine as _, Failure};
use bowline_kql::plan::{Column, Schema};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use bowline_query::{Interpreter, Limits, Moment, QueryError, Rows, Source};

struct Machines;

impl Source for Machines {
    fn rows(&self, table: &str) -> Result<Rows, QueryError> {
        let row = |name: &str, kind: &str, tags: &str| {
            vec![Value::String(name.into()), Value::String(kind.into()), Value::Dynamic(tags.into())]
        };
        match table {
            "Machines" => Ok(Arc::new(vec![
                row("a", "vm", r#"{"env":"prod","size":2}"#),
                row("b", "vm", r#"{"env":"test","size":4,"owner":null}"#),
                row("c", "arc", "null"),
            ])),
            other => Err(QueryError::Failed { message: format!("there is no {other}") }),
        }
    }
}

fn catalogue() -> Catalogue {
    let columns = vec![
        Column::new("name", Type::String),
        Column::new("kind", Type::String),
        Column::new("tags", Type::Dynamic),
    ];
    Catalogue {
        tables: vec![Table { name: "Machines".to_owned(), schema: Schema::new(columns) }],
        ..Catalogue::default()
    }
}

fn asked(query: &str, limits: &Limits) -> Result<Vec<Answer>, Failure> {
    let moment = Moment { now: 639_028_224_000_000_000, seed: 1 };
    Interpreter.answer(query, Dialect::default(), &catalogue(), &Machines, moment, limits)
}

/// The columns' names and the cells as texts.
fn table(query: &str) -> (String, Vec<String>) {
    let found = asked(query, &Limits::default()).unwrap_or_else(|why| panic!("{query}: {why:?}"));
    let names = found[0].schema.names().collect::<Vec<_>>().join(" ");
    let cell = |value: &Value| match value {
        Value::Null(_) => "-".to_owned(),
        Value::String(text) | Value::Dynamic(text) => text.clone(),
        Value::Long(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    (names, found[0].rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(" ")).collect())
}

fn rows(query: &str) -> Vec<String> {
    table(query).1
}

#[test]
fn keys_of_bags_become_columns_that_the_query_may_name() {
    let (names, found) =
        table("Machines | evaluate bag_unpack(tags) | where size > 2 | project env, size, owner, kind");
    assert_eq!(names, "env size owner kind");
    assert_eq!(found, ["test 4 - vm"]);
    let (names, found) = table("Machines | evaluate bag_unpack(tags, 't_') | order by name asc");
    assert_eq!(names, "name kind t_env t_owner t_size");
    assert_eq!(found[2], "c arc  - -");
}

#[test]
fn a_key_that_is_a_column_already_is_an_error_unless_told_otherwise() {
    let query = "print name = 'a', bag = dynamic({'name': 'b'}) | evaluate bag_unpack(bag";
    assert!(matches!(
        asked(&format!("{query})"), &Limits::default()),
        Err(Failure::Run(QueryError::Failed { .. }))
    ));
    assert_eq!(rows(&format!("{query}, '', 'replace_source')")), ["b"]);
    assert_eq!(rows(&format!("{query}, '', 'keep_source')")), ["a"]);
}

#[test]
fn values_become_columns_and_what_is_missing_counts_nothing() {
    let (names, found) = table("Machines | project name, kind | evaluate pivot(kind) | order by name asc");
    assert_eq!(names, "name arc vm");
    assert_eq!(found, ["a 0 1", "b 0 1", "c 1 0"]);
}

#[test]
fn two_plug_ins_are_found_one_after_the_other() {
    let query =
        "Machines | evaluate bag_unpack(tags) | project kind, env | evaluate pivot(env) | order by kind asc";
    assert_eq!(table(query).0.split(' ').next(), Some("kind"));
    assert_eq!(rows("Machines | take 1 | project name, kind | evaluate narrow()"), ["0 name a", "0 kind vm"]);
}

#[test]
fn an_axis_ends_before_its_end_and_groups_have_their_own_lists() {
    let data =
        "datatable(k: string, x: long) ['a', 0, 'a', 1, 'b', 4, 'b', 9, 'c', 10] | make-series count() on x";
    assert_eq!(rows(&format!("{data} from 0 to 10 step 5 by k")), ["a [2,0] [0,5]", "b [1,1] [0,5]"]);
    assert_eq!(rows(&format!("{data} step 5")), ["[3,1,1] [0,5,10]"]);
    assert_eq!(rows(&format!("{data} from 20 to 30 step 5")), ["[0,0] [20,25]"]);
    let refused = asked(&format!("{data} from 0 to 10 step 0"), &Limits::default());
    assert!(matches!(refused, Err(Failure::Run(QueryError::Failed { .. }))), "{refused:?}");
}

#[test]
fn nulls_are_neither_equal_nor_unequal_and_a_missing_key_is_null() {
    assert_eq!(rows("Machines | where tags.env == 'prod' | project name"), ["a"]);
    assert_eq!(rows("Machines | where isnull(tags.size) | project name"), ["c"]);
    assert_eq!(rows("Machines | where tostring(tags.env) != 'prod' | project name"), ["b", "c"]);
    assert_eq!(
        rows("Machines | summarize n = count() by env = tostring(tags.env) | order by env asc"),
        [" 1", "prod 1", "test 1"]
    );
}

#[test]
fn a_query_ends_where_it_is_told_to_or_grows_too_large() {
    let ended = Limits { ended: Arc::new(AtomicBool::new(true)), ..Limits::default() };
    assert!(matches!(asked("Machines", &ended), Err(Failure::Run(QueryError::Ended))));
    let small = Limits { rows: 1000, ..Limits::default() };
    let query = "range a from 1 to 100 step 1 | extend k = 1 | join kind=inner (range b from 1 to 100 step 1 | extend k = 1) on k";
    assert!(matches!(asked(query, &small), Err(Failure::Run(QueryError::TooLarge { .. }))));
}

#[test]
fn what_cannot_run_says_its_name() {
    let refused = asked("print x = hash_many('a', 'b')", &Limits::default());
    let Err(Failure::Run(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.to_string(), "'hash_many()' cannot be run by this server yet");
    assert!(matches!(asked("Nowhere | take 1", &Limits::default()), Err(Failure::Query(_))));
}

#[test]
fn a_sub_query_is_asked_once_for_all_rows() {
    // Asked for each row it would hold two million rows.
    let limits = Limits { rows: 20_000, ..Limits::default() };
    for condition in [
        "in (range y from 1 to 1000 step 2)",
        "!in (range y from 1 to 1000 step 2)",
        "<= toscalar(range y from 1 to 1000 step 1 | count)",
    ] {
        let found = asked(&format!("range x from 1 to 2000 step 1 | where x {condition} | count"), &limits);
        assert!(found.is_ok(), "{condition}: {found:?}");
    }
    assert_eq!(rows("range x from 1 to 5 step 1 | where x in (range y from 1 to 9 step 2)"), ["1", "3", "5"]);
    assert_eq!(rows("range x from 1 to 5 step 1 | where x !in (range y from 1 to 9 step 2)"), ["2", "4"]);
    assert_eq!(rows("Machines | where name in~ (print 'A') | project name"), ["a"]);
    assert_eq!(rows("Machines | where name in (print 'A') | project name"), Vec::<String>::new());
}

#[test]
fn rows_that_follow_each_other_are_matched_by_steps() {
    let events = "datatable(t: long, e: string)[1,'a', 2,'b', 3,'b', 4,'c', 5,'a', 6,'c', 7,'b', 8,'c'] | sort by t asc | scan ";
    let steps = |of_b: &str| {
        format!(
            "{events} with_match_id=m with (step s1: e == 'a'; step s2 {of_b}: e == 'b'; step s3: e == 'c' and t - s1.t < 5;)"
        )
    };
    assert_eq!(rows(&steps("")), ["1 a 0", "2 b 0", "3 b 0", "4 c 0", "5 a 1", "7 b 1", "8 c 1"]);
    assert_eq!(rows(&steps("output=last")), ["1 a 0", "3 b 0", "4 c 0", "5 a 1", "7 b 1", "8 c 1"]);
    assert_eq!(rows(&steps("output=none")), ["1 a 0", "4 c 0", "5 a 1", "8 c 1"]);
    let sums = format!(
        "{events} declare (sum: long = 0) with (step s: true => sum = iff(s.sum > 5, t, t + s.sum);) | project sum"
    );
    assert_eq!(rows(&sums), ["1", "3", "6", "4", "9", "6", "7", "8"]);
}

#[test]
fn what_is_not_among_the_best_is_one_row() {
    let sales =
        "datatable(s: string, p: string, n: long)['x','a',5, 'x','b',3, 'x','c',1, 'y','a',4, 'z','b',2]";
    let nested = |first: &str, second: &str| {
        let query = format!(
            "{sales} | top-nested 1 of s {first} by sum(n), top-nested 1 of p {second} by sum(n) | sort by s asc, p asc"
        );
        rows(&query)
    };
    assert_eq!(nested("", ""), ["x 9 a 5"]);
    assert_eq!(nested("with others='rest'", ""), ["rest 6  6", "x 9 a 5"]);
    assert_eq!(
        nested("with others='rest'", "with others='other'"),
        ["rest 6 other 6", "x 9 a 5", "x 9 other 4"]
    );
}

#[test]
fn names_stand_for_what_the_query_gave_them() {
    assert_eq!(
        rows("union withsource=from (Machines | take 1 | as First), (Machines | take 1) | project from"),
        ["First", "union_arg1"]
    );
    assert_eq!(rows("set query_bin_auto_size=2; print bin_auto(5)"), ["4"]);
    assert_eq!(rows("set query_bin_auto_size=2; set query_bin_auto_at=1; print bin_auto(6)"), ["5"]);
    assert_eq!(rows("Machines | take 1 | project-by-names 'kin*', dynamic(['name', 'none'])"), ["vm a"]);
    let pattern = "declare pattern p = (a: string)[b: string] { ('x').['1'] = { print 1 }; ('x').['y z'] = { Machines | count }; };";
    assert_eq!(rows(&format!("{pattern} p('x').['y z']")), ["3"]);
    let Err(Failure::Query(why)) = asked(&format!("{pattern} p('x').other"), &Limits::default()) else {
        panic!("bound")
    };
    assert_eq!(why[0].message, "the pattern 'p' has no case for this");
    let by_query = "range x from 1 to 2 step 1 | partition by x { Machines | summarize n = count() | extend of = toscalar(x) }";
    assert_eq!(rows(by_query), ["3 1", "3 2"]);
    assert_eq!(
        table(
            "Machines | project name, tags | evaluate bag_unpack(tags, ignoredProperties=dynamic(['env', 'owner']), OutputColumnPrefix='t_')"
        ),
        ("name t_size".to_owned(), vec!["a 2".to_owned(), "b 4".to_owned(), "c -".to_owned()])
    );
    assert_eq!(
        rows(
            "Machines | where name == 'b' | project kind, none = '', x = int(null) | project pack_all(true)"
        ),
        [r#"{"kind":"vm"}"#]
    );
    assert_eq!(
        rows(
            r#"print s = "a: 1; b: 2" | parse-kv s as (b: long, a: long) with (regex="(\\w): (\\d)") | project a, b"#
        ),
        ["1 2"]
    );
}

#[test]
fn who_does_what_is_counted_by_bins_of_time() {
    let uses = "datatable(u: string, t: long, g: string)['a',0,'x', 'b',0,'x', 'a',1,'x', 'c',1,'y', 'a',3,'x', 'b',12,'x']";
    let of = |plugin: &str| rows(&format!("{uses} | evaluate {plugin}"));
    assert_eq!(
        of("activity_counts_metrics(u, t, 0, 3, 1)"),
        ["0 2 2 2 2", "1 2 2 1 3", "2 0 0 0 3", "3 1 1 0 3"]
    );
    assert_eq!(of("activity_counts_metrics(u, t, 0, 1, 2, g)"), ["0 x 3 2 2 2", "0 y 1 1 1 1"]);
    assert_eq!(of("sliding_window_counts(u, t, 0, 3, 2, 1)"), ["0 2 2", "1 4 3", "2 2 2", "3 1 1"]);
    assert_eq!(of("session_count(u, t, 0, 12, 6, 2)"), ["0 3", "12 1"]);
    assert_eq!(of("active_users_count(u, t, 0, 12, 4, 1, 3, 6)"), ["0 1"]);
    assert_eq!(
        of(
            "activity_metrics(u, t, 0, 1, 1) | where t == 1 | project dcount_newvalues, tostring(retention_rate)"
        ),
        ["1 0.5"]
    );
    assert_eq!(
        of(
            "new_activity_metrics(u, t, 0, 1, 1) | project from_t, to_t, dcount_new_values, dcount_retained_values"
        ),
        ["0 0 2 2", "0 1 1 1", "1 1 1 1"]
    );
    assert!(
        asked(&format!("{uses} | evaluate activity_counts_metrics(u, t, 0, 3, 0)"), &Limits::default())
            .is_err()
    );
}

#[test]
fn rows_are_found_by_the_network_of_their_address() {
    let nets = "let nets = datatable(net: string, zone: string)['10.0.0.0/8','a', '10.1.0.0/16','b', 'fe80::/10','c', 'none','d'];";
    let of = |lookup: &str| {
        rows(&format!(
            "{nets} datatable(ip: string, zone: string)['10.1.2.3','b', '10.2.0.1','b', '8.8.8.8','b', 'fe80::1','c'] | evaluate {lookup}"
        ))
    };
    assert_eq!(
        of("ipv4_lookup(nets, ip, net) | project ip, net"),
        ["10.1.2.3 10.0.0.0/8", "10.1.2.3 10.1.0.0/16", "10.2.0.1 10.0.0.0/8"]
    );
    assert_eq!(of("ipv4_lookup(nets, ip, net, zone)"), ["10.1.2.3 b 10.1.0.0/16"]);
    assert_eq!(of("ipv4_lookup(nets, ip, net, return_unmatched=true) | where isempty(net) | count"), ["2"]);
    assert_eq!(of("ipv6_lookup(nets, ip, net) | where ip has 'fe80' | project zone1"), ["c"]);
    assert_eq!(
        rows("range x from 1 to 9 step 1 | evaluate rows_near(x in (2, 4), 1)"),
        ["1", "2", "3", "4", "5"]
    );
}
