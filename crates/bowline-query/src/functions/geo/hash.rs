//! Geohashes: cells of a grid, each named by the way to it.

use bowline_kql::{Type, Value};

use super::{Call, to_json};
use crate::dynamic;
use crate::json::Json;

const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
/// As many letters as a name has at most.
const LONGEST: usize = 18;

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Value> {
    let cell = || Cell::read(&call.text(0)?);
    let bag = |found: Option<Value>| found.unwrap_or(Value::Null(Type::Dynamic));
    Some(match name {
        "geo_point_to_geohash" => {
            let length = call.long(2).unwrap_or(5);
            let length = usize::try_from(length).ok().filter(|length| (1..=LONGEST).contains(length));
            let place = call.real(0).zip(call.real(1)).zip(length);
            let found = place.and_then(|((longitude, latitude), length)| named(longitude, latitude, length));
            Value::String(found.unwrap_or_default())
        }
        "geo_geohash_to_central_point" => bag(cell().map(|cell| {
            let (longitude, latitude) = cell.middle();
            to_json(longitude, latitude)
        })),
        "geo_geohash_to_polygon" => bag(cell().map(|cell| dynamic::of(&cell.border()))),
        "geo_geohash_neighbors" => bag(cell().map(|cell| dynamic::of(&cell.neighbours().into()))),
        _ => return None,
    })
}

/// West, east, south and north of a cell, and how many letters name it.
struct Cell {
    longitude: (f64, f64),
    latitude: (f64, f64),
    length: usize,
}

/// The half of a range that a bit means.
fn halved(range: &mut (f64, f64), upper: bool) {
    let middle = f64::midpoint(range.0, range.1);
    if upper { range.0 = middle } else { range.1 = middle }
}

impl Cell {
    fn read(name: &str) -> Option<Cell> {
        if name.is_empty() || name.len() > LONGEST {
            return None;
        }
        let mut cell = Cell { longitude: (-180.0, 180.0), latitude: (-90.0, 90.0), length: name.len() };
        let mut bits = 0;
        for letter in name.to_ascii_lowercase().bytes() {
            let value = LETTERS.iter().position(|one| *one == letter)?;
            for bit in (0..5).rev() {
                let range = if bits % 2 == 0 { &mut cell.longitude } else { &mut cell.latitude };
                halved(range, value >> bit & 1 == 1);
                bits += 1;
            }
        }
        Some(cell)
    }

    fn middle(&self) -> (f64, f64) {
        (f64::midpoint(self.longitude.0, self.longitude.1), f64::midpoint(self.latitude.0, self.latitude.1))
    }

    fn border(&self) -> Json {
        let ((west, east), (south, north)) = (self.longitude, self.latitude);
        let ring = vec![
            vec![west, south],
            vec![east, south],
            vec![east, north],
            vec![west, north],
            vec![west, south],
        ];
        crate::json::bag([("type", "Polygon".into()), ("coordinates", vec![ring].into())])
    }

    /// The cells around it: west and east are neighbours at the edge of the map, beyond the poles there is none.
    fn neighbours(&self) -> Vec<String> {
        let (longitude, latitude) = self.middle();
        let (width, height) = (self.longitude.1 - self.longitude.0, self.latitude.1 - self.latitude.0);
        // In the order that the documentation shows.
        let around = [(-1, -1), (-1, 1), (1, -1), (0, 1), (-1, 0), (1, 1), (1, 0), (0, -1)];
        let named = |(right, up): (i32, i32)| {
            let longitude = longitude + width * f64::from(right);
            let longitude = (longitude + 180.0).rem_euclid(360.0) - 180.0;
            named(longitude, latitude + height * f64::from(up), self.length)
        };
        around.into_iter().filter_map(named).collect()
    }
}

fn named(longitude: f64, latitude: f64, length: usize) -> Option<String> {
    if !(-180.0..=180.0).contains(&longitude) || !(-90.0..=90.0).contains(&latitude) {
        return None;
    }
    let (mut east, mut north) = ((-180.0, 180.0), (-90.0, 90.0));
    let mut name = String::with_capacity(length);
    let mut bits = 0;
    for _ in 0..length {
        let mut value = 0;
        for _ in 0..5 {
            let (range, at) = if bits % 2 == 0 { (&mut east, longitude) } else { (&mut north, latitude) };
            let upper = at >= f64::midpoint(range.0, range.1);
            halved(range, upper);
            value = value << 1 | usize::from(upper);
            bits += 1;
        }
        name.push(char::from(LETTERS[value]));
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_the_cell_that_it_names() {
        let name = named(-1.5, 53.4, 9).unwrap();
        let cell = Cell::read(&name).unwrap();
        let (longitude, latitude) = cell.middle();
        assert!((longitude + 1.5).abs() < 1e-4 && (latitude - 53.4).abs() < 1e-4);
        assert_eq!(named(longitude, latitude, 9).as_deref(), Some(name.as_str()));
        assert!(Cell::read("a").is_none() && Cell::read("").is_none());
        assert_eq!(Cell::read("0").unwrap().neighbours().len(), 5);
    }
}
