//! Lines and polygons as GeoJSON writes them.

use super::{Point, RADIUS};
use crate::json::Json;

fn point(json: &Json) -> Option<Point> {
    match json.as_array()?.as_slice() {
        [longitude, latitude, ..] => Point::of_degrees(longitude.as_f64()?, latitude.as_f64()?),
        _ => None,
    }
}

fn points(json: &Json) -> Option<Vec<Point>> {
    json.as_array()?.iter().map(point).collect()
}

/// The kind and the coordinates of a shape.
fn parts(json: &Json) -> Option<(&str, &Json)> {
    let Json::Object(shape) = json else { return None };
    Some((shape.get("type")?.as_str()?, shape.get("coordinates")?))
}

fn length(way: &[Point]) -> f64 {
    way.windows(2).map(|edge| edge[0].distance(edge[1])).sum()
}

fn distance(way: &[Point], at: Point) -> f64 {
    way.windows(2).map(|edge| at.distance_to_edge(edge[0], edge[1])).fold(f64::INFINITY, f64::min)
}

/// `LineString` or `MultiLineString`.
pub(super) struct Lines(Vec<Vec<Point>>);

impl Lines {
    pub(super) fn read(json: &Json) -> Option<Lines> {
        let (kind, coordinates) = parts(json)?;
        let lines = match kind {
            "LineString" => vec![points(coordinates)?],
            "MultiLineString" => coordinates.as_array()?.iter().map(points).collect::<Option<Vec<_>>>()?,
            _ => return None,
        };
        let is_line = |line: &Vec<Point>| line.len() > 1 && line.windows(2).all(|edge| edge[0] != edge[1]);
        (!lines.is_empty() && lines.iter().all(is_line)).then_some(Lines(lines))
    }

    pub(super) fn length(&self) -> f64 {
        self.0.iter().map(|line| length(line)).sum()
    }

    pub(super) fn distance(&self, at: Point) -> f64 {
        self.0.iter().map(|line| distance(line, at)).fold(f64::INFINITY, f64::min)
    }
}

/// A border, and the borders of holes.
pub(super) struct Polygon {
    rings: Vec<Vec<Point>>,
}

impl Polygon {
    /// Those of a `Polygon` or a `MultiPolygon`.
    pub(super) fn all(json: &Json) -> Option<Vec<Polygon>> {
        let (kind, coordinates) = parts(json)?;
        let read = |rings: &Json| {
            let rings = rings.as_array()?.iter().map(points).collect::<Option<Vec<_>>>()?;
            (!rings.is_empty() && rings.iter().all(|ring| is_ring(ring))).then_some(Polygon { rings })
        };
        match kind {
            "Polygon" => Some(vec![read(coordinates)?]),
            "MultiPolygon" => coordinates.as_array()?.iter().map(read).collect(),
            _ => None,
        }
    }

    pub(super) fn contains(&self, at: Point) -> bool {
        let mut rings = self.rings.iter().map(|ring| winds_around(ring, at));
        rings.next() == Some(true) && !rings.any(|inside| inside)
    }

    pub(super) fn distance(&self, at: Point) -> f64 {
        if self.contains(at) {
            return 0.0;
        }
        self.rings.iter().map(|ring| distance(ring, at)).fold(f64::INFINITY, f64::min)
    }

    pub(super) fn perimeter(&self) -> f64 {
        self.rings.iter().map(|ring| length(ring)).sum()
    }

    pub(super) fn area(&self) -> f64 {
        let mut areas = self.rings.iter().map(|ring| area(ring));
        let outside = areas.next().unwrap_or(0.0);
        outside - areas.sum::<f64>()
    }
}

/// Closed, with three places at least.
fn is_ring(ring: &[Point]) -> bool {
    let places = ring.len().saturating_sub(1);
    places >= 3 && ring.first() == ring.last() && ring.windows(2).all(|edge| edge[0] != edge[1])
}

/// Whether the direction in which the ring lies turns once around.
fn winds_around(ring: &[Point], at: Point) -> bool {
    if ring.contains(&at) {
        return true;
    }
    let turn = |edge: &[Point]| {
        let turn = at.azimuth(edge[1]) - at.azimuth(edge[0]);
        (turn + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI
    };
    ring.windows(2).map(turn).sum::<f64>().abs() > std::f64::consts::PI
}

/// By the excess of the angles, edge by edge.
fn area(ring: &[Point]) -> f64 {
    let excess = |edge: &[Point]| {
        let across = ((edge[1].longitude - edge[0].longitude) / 2.0).tan();
        let (a, b) = ((edge[0].latitude / 2.0).tan(), (edge[1].latitude / 2.0).tan());
        2.0 * (across * (a + b)).atan2(1.0 + a * b)
    };
    ring.windows(2).map(excess).sum::<f64>().abs() * RADIUS * RADIUS
}
