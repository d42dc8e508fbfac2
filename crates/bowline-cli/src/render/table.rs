//! Values as columns: the view a command gives its answer, or whatever a query returned.

use comfy_table::{ContentArrangement, Table, presets};
use jiff::{SpanRound, Timestamp, Unit};
use serde_json::Value;

use super::View;

/// One column of a list, or one fact of a thing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    /// JSON pointers, tried in order; the first that is there counts.
    pointers: &'static [&'static str],
    show: Show,
}

/// How a member becomes a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    Text,
    /// The resource group in an id.
    Group,
    /// A time as a distance from now in tables, and as it is in `tsv`.
    Ago,
    /// Bytes as GiB.
    Gibibytes,
    /// `key=value` pairs.
    Tags,
}

impl Column {
    pub(crate) const fn text(title: &'static str, pointers: &'static [&'static str]) -> Self {
        Self { title, pointers, show: Show::Text }
    }

    pub(crate) const fn new(title: &'static str, pointers: &'static [&'static str], show: Show) -> Self {
        Self { title, pointers, show }
    }

    fn cell(&self, value: &Value, now: Option<Timestamp>) -> String {
        let Some(found) = self.pointers.iter().filter_map(|p| value.pointer(p)).find(|v| !v.is_null()) else {
            return String::new();
        };
        match (self.show, now) {
            (Show::Group, _) => found.as_str().and_then(group_of).unwrap_or_default(),
            (Show::Ago, Some(now)) => ago(found, now),
            (Show::Gibibytes, _) => {
                found.as_f64().map(|bytes| format!("{:.1} GiB", bytes / 1_073_741_824.0)).unwrap_or_default()
            }
            (Show::Tags, _) => tags(found),
            (Show::Text | Show::Ago, _) => scalar(found),
        }
    }
}

/// The resource group an id lies in, as written.
pub(crate) fn group_of(id: &str) -> Option<String> {
    let mut segments = id.split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case("resourceGroups"))?;
    segments.next().map(str::to_owned)
}

/// The type an id is of: its last provider's namespace and types.
pub(crate) fn type_of(id: &str) -> Option<String> {
    let start = id.to_ascii_lowercase().rfind("/providers/")? + "/providers/".len();
    let mut segments = id[start..].split('/');
    let mut name = segments.next()?.to_owned();
    while let Some(kind) = segments.next() {
        name.push('/');
        name.push_str(kind);
        segments.next()?;
    }
    name.contains('/').then_some(name)
}

fn ago(value: &Value, now: Timestamp) -> String {
    let Some(time) = value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) else {
        return scalar(value);
    };
    let span = now.since(time).ok().and_then(|span| {
        let largest = SpanRound::new().largest(Unit::Day).smallest(Unit::Second).days_are_24_hours();
        span.round(largest).ok()
    });
    let Some(span) = span else { return scalar(value) };
    let (days, hours, minutes) = (span.get_days(), span.get_hours(), span.get_minutes());
    match (days.abs(), hours.abs(), minutes.abs(), span.is_negative()) {
        (0, 0, 0, true) => "just now".to_owned(),
        (0, 0, 0, false) => format!("{}s ago", span.get_seconds()),
        (0, 0, m, negative) => direction(&format!("{m}m"), negative),
        (0, h, m, negative) => direction(&format!("{h}h{m}m"), negative),
        (d, h, _, negative) => direction(&format!("{d}d{h}h"), negative),
    }
}

fn direction(distance: &str, future: bool) -> String {
    if future { format!("in {distance}") } else { format!("{distance} ago") }
}

fn tags(value: &Value) -> String {
    let pairs = value.as_object().into_iter().flatten();
    pairs.map(|(key, value)| format!("{key}={}", scalar(value))).collect::<Vec<_>>().join(",")
}

/// A value in one cell: bare where it is simple, compact JSON where it is not.
fn scalar(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_number()) => {
            items.iter().map(scalar).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    };
    text.replace(['\t', '\n', '\r'], " ")
}

/// Heading and rows; an empty heading is not shown.
struct Grid {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Grid {
    fn of(value: &Value, view: View, now: Option<Timestamp>) -> Self {
        match view {
            View::List { columns, .. } => {
                let rows = value.as_array().into_iter().flatten();
                Self {
                    heading: columns.iter().map(|c| c.title.to_owned()).collect(),
                    rows: rows.map(|row| columns.iter().map(|c| c.cell(row, now)).collect()).collect(),
                }
            }
            View::Details(columns) => Self {
                heading: Vec::new(),
                rows: columns
                    .iter()
                    .map(|c| vec![c.title.to_owned(), c.cell(value, now)])
                    .filter(|row| !row[1].is_empty())
                    .collect(),
            },
            View::Bare(pointer) | View::Text(pointer) => Self {
                heading: Vec::new(),
                rows: vec![vec![value.pointer(pointer).map(scalar).unwrap_or_default()]],
            },
            View::Rows => Self {
                heading: names_of(value).into_iter().map(str::to_owned).collect(),
                rows: value["rows"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|row| row.as_array().into_iter().flatten().map(scalar).collect())
                    .collect(),
            },
            View::Plain => Self::plain(value),
        }
    }

    fn plain(value: &Value) -> Self {
        let heading = Vec::new();
        match value {
            Value::Null => Self { heading, rows: Vec::new() },
            Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
                Self::objects(items)
            }
            Value::Array(items) => Self {
                heading,
                rows: items
                    .iter()
                    .map(|item| match item {
                        Value::Array(cells) => cells.iter().map(scalar).collect(),
                        other => vec![scalar(other)],
                    })
                    .collect(),
            },
            Value::Object(members) => {
                Self { heading, rows: members.iter().map(|(k, v)| vec![k.clone(), scalar(v)]).collect() }
            }
            other => Self { heading, rows: vec![vec![scalar(other)]] },
        }
    }

    fn objects(items: &[Value]) -> Self {
        let mut keys: Vec<&String> = Vec::new();
        for key in items.iter().filter_map(Value::as_object).flat_map(|members| members.keys()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        Self {
            heading: keys.iter().map(|key| (*key).clone()).collect(),
            rows: items
                .iter()
                .map(|item| keys.iter().map(|key| scalar(&item[key.as_str()])).collect())
                .collect(),
        }
    }
}

pub(super) fn table(value: &Value, view: View, now: Timestamp, colour: bool) -> String {
    let grid = Grid::of(value, view, Some(now));
    if grid.rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if !grid.heading.is_empty() {
        table.set_header(grid.heading);
    }
    table.add_rows(grid.rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    if colour && matches!(view, View::List { .. }) {
        lines[0] = format!("\u{1b}[1m{}\u{1b}[0m", lines[0]);
    }
    lines.join("\n") + "\n"
}

/// The names of the columns of [`View::Rows`].
pub(super) fn names_of(value: &Value) -> Vec<&str> {
    let columns = value["columns"].as_array().into_iter().flatten();
    columns.filter_map(|column| column["name"].as_str()).collect()
}

/// With a heading; a cell that has a comma, a quote or a line's end is quoted (RFC 4180).
pub(super) fn csv(value: &Value, view: View) -> String {
    let grid = Grid::of(value, view, None);
    let cell = |text: &String| match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.clone(),
    };
    let heading = Some(&grid.heading).filter(|heading| !heading.is_empty());
    let lines = heading.into_iter().chain(&grid.rows);
    lines.map(|line| line.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n").collect()
}

pub(super) fn tsv(value: &Value, view: View, _now: Timestamp) -> String {
    // Programs get times as they are, facts in one row, and no heading.
    let grid = Grid::of(value, view, None);
    let as_one_row = matches!((view, value), (View::Details(_), _) | (View::Plain, Value::Object(_)));
    if as_one_row {
        let columns = match view {
            View::Details(columns) => columns.iter().map(|c| c.cell(value, None)).collect(),
            _ => grid.rows.iter().map(|row| row[1].clone()).collect::<Vec<_>>(),
        };
        return columns.join("\t") + "\n";
    }
    grid.rows.iter().map(|row| row.join("\t") + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const COLUMNS: &[Column] = &[
        Column::text("NAME", &["/name"]),
        Column::new("GROUP", &["/id"], Show::Group),
        Column::new("SEEN", &["/properties/seen", "/seen"], Show::Ago),
    ];

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_has_columns_and_relative_times() {
        let list = json!([
            {"name": "edge-01", "id": "/subscriptions/s/resourceGroups/Plant/providers/x", "seen": "2026-11-01T10:00:00Z"},
            {"name": "b", "id": "/", "properties": {"seen": "2026-11-03T12:30:00Z"}},
        ]);
        let view = View::List { columns: COLUMNS, empty: "none" };
        assert_eq!(
            table(&list, view, at("2026-11-01T10:00:07Z"), false),
            "NAME     GROUP  SEEN\nedge-01  Plant  7s ago\nb               in 2d2h\n"
        );
        assert_eq!(
            tsv(&list, view, at("2026-11-01T10:00:07Z")),
            "edge-01\tPlant\t2026-11-01T10:00:00Z\nb\t\t2026-11-03T12:30:00Z\n"
        );
    }

    #[test]
    fn a_queried_value_is_shown_as_it_is() {
        let now = at("2026-11-01T10:00:00Z");
        assert_eq!(table(&json!(["a", "b"]), View::Plain, now, false), "a\nb\n");
        assert_eq!(table(&json!([{"a": 1}, {"b": "x"}]), View::Plain, now, false), "a  b\n1\n   x\n");
        assert_eq!(tsv(&json!({"a": 1, "b": "x\ty"}), View::Plain, now), "1\tx y\n");
        assert_eq!(tsv(&json!([["a", 1], ["b", null]]), View::Plain, now), "a\t1\nb\t\n");
        assert_eq!(table(&json!(null), View::Plain, now, false), "");
    }

    #[test]
    fn ids_tell_group_and_type() {
        let id = "/subscriptions/s/resourcegroups/G/providers/Microsoft.Kubernetes/connectedClusters/c";
        assert_eq!(group_of(id).unwrap(), "G");
        assert_eq!(type_of(id).unwrap(), "Microsoft.Kubernetes/connectedClusters");
        assert_eq!(
            type_of(&format!("{id}/providers/Microsoft.Bowline/agentSettings/default")).unwrap(),
            "Microsoft.Bowline/agentSettings"
        );
        assert_eq!(type_of("/subscriptions/s/resourceGroups/g"), None);
    }
}
