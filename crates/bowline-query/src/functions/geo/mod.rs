//! Functions of places on the earth, which is a sphere here.
//!
//! # Design notes
//! Edges are the shortest ways between their ends. What is no place or no shape gives null, as everywhere in the language.

mod hash;
mod shape;

use bowline_kql::{Type, Value};
use std::f64::consts::TAU;

use super::Call;
use crate::dynamic;
use crate::error::QueryError;
use crate::eval::Evaluated;
use shape::{Lines, Polygon};

/// Metres from the middle of the earth to its face.
const RADIUS: f64 = 6_371_010.0;

/// A place: longitude and latitude in radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    longitude: f64,
    latitude: f64,
}

impl Point {
    fn of_degrees(longitude: f64, latitude: f64) -> Option<Point> {
        let inside = (-180.0..=180.0).contains(&longitude) && (-90.0..=90.0).contains(&latitude);
        inside.then(|| Point { longitude: longitude.to_radians(), latitude: latitude.to_radians() })
    }

    /// Metres to another place.
    fn distance(self, other: Point) -> f64 {
        let up = ((other.latitude - self.latitude) / 2.0).sin();
        let across = ((other.longitude - self.longitude) / 2.0).sin();
        let half = up * up + self.latitude.cos() * other.latitude.cos() * across * across;
        2.0 * RADIUS * half.sqrt().min(1.0).asin()
    }

    /// The direction of another place, from the north clockwise.
    fn azimuth(self, other: Point) -> f64 {
        let across = other.longitude - self.longitude;
        let y = across.sin() * other.latitude.cos();
        let x = self.latitude.cos() * other.latitude.sin()
            - self.latitude.sin() * other.latitude.cos() * across.cos();
        y.atan2(x)
    }

    /// Metres to the shortest way between two places.
    fn distance_to_edge(self, from: Point, to: Point) -> f64 {
        let turn = |from: Point, edge: Point| {
            let off = (from.azimuth(self) - from.azimuth(edge)).rem_euclid(TAU);
            off.min(TAU - off) < TAU / 4.0
        };
        // Beside the edge the way across counts, else the nearer end.
        if from != to && turn(from, to) && turn(to, from) {
            let along = self.distance(from) / RADIUS;
            let off = from.azimuth(self) - from.azimuth(to);
            return (along.sin() * off.sin()).asin().abs() * RADIUS;
        }
        self.distance(from).min(self.distance(to))
    }
}

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    if let Some(value) = hash::call(name, call) {
        return Some(Ok(value));
    }
    let point = |at: usize| Point::of_degrees(call.real(at)?, call.real(at + 1)?);
    let real = |found: Option<f64>| found.map_or(Value::Null(Type::Real), Value::Real);
    let polygons = |at: usize| Polygon::all(&call.json(at));
    // Of several polygons what they share would count twice.
    let only = |at: usize| match polygons(at) {
        Some(all) if all.len() > 1 => Err(QueryError::unsupported(format!("{name}() of several polygons"))),
        Some(mut all) => Ok(all.pop()),
        None => Ok(None),
    };
    Some(Ok(match name {
        "geo_distance_2points" => real(point(0).zip(point(2)).map(|(from, to)| from.distance(to))),
        "geo_azimuth" => {
            let ends = point(0).zip(point(2)).filter(|(from, to)| from != to);
            real(ends.map(|(from, to)| from.azimuth(to).rem_euclid(TAU)))
        }
        "geo_angle" => real(point(0).zip(point(2)).zip(point(4)).and_then(|((from, at), to)| {
            let apart = from != at && to != at;
            apart.then(|| (at.azimuth(to) - at.azimuth(from)).rem_euclid(TAU))
        })),
        "geo_point_in_circle" => {
            let radius = call.real(4).filter(|radius| *radius >= 0.0);
            let found = point(0)
                .zip(point(2))
                .zip(radius)
                .map(|((at, middle), radius)| at.distance(middle) <= radius);
            found.map_or(Value::Null(Type::Bool), Value::Bool)
        }
        "geo_point_in_polygon" => {
            let found = point(0).zip(polygons(2)).map(|(at, all)| all.iter().any(|one| one.contains(at)));
            found.map_or(Value::Null(Type::Bool), Value::Bool)
        }
        "geo_line_length" => real(Lines::read(&call.json(0)).map(|lines| lines.length())),
        "geo_distance_point_to_line" => {
            real(point(0).zip(Lines::read(&call.json(2))).map(|(at, lines)| lines.distance(at)))
        }
        "geo_distance_point_to_polygon" => real(
            point(0)
                .zip(polygons(2))
                .map(|(at, all)| all.iter().map(|one| one.distance(at)).fold(f64::INFINITY, f64::min)),
        ),
        "geo_polygon_perimeter" => match only(0) {
            Ok(found) => real(found.map(|polygon| polygon.perimeter())),
            Err(error) => return Some(Err(error)),
        },
        "geo_polygon_area" => match only(0) {
            Ok(found) => real(found.map(|polygon| polygon.area())),
            Err(error) => return Some(Err(error)),
        },
        _ => return None,
    }))
}

/// A point as GeoJSON.
fn to_json(longitude: f64, latitude: f64) -> Value {
    let place = vec![longitude, latitude];
    dynamic::of(&crate::json::bag([("type", "Point".into()), ("coordinates", place.into())]))
}
