//! One unit of measurement in another.
//!
//! # Design notes
//! A unit is so many of its kind's first one. The names are those of the language.

use bowline_kql::{Type, Value};

use super::super::Call;
use crate::error::QueryError;
use crate::eval::Evaluated;

type Units = &'static [(&'static str, f64)];

const ANGLES: Units = &[
    ("Radian", 1.0),
    ("Degree", std::f64::consts::PI / 180.0),
    ("Gradian", std::f64::consts::PI / 200.0),
    ("Arcminute", std::f64::consts::PI / 10_800.0),
    ("Arcsecond", std::f64::consts::PI / 648_000.0),
    ("Milliradian", 1e-3),
    ("Microradian", 1e-6),
    ("Revolution", 2.0 * std::f64::consts::PI),
];
const ENERGIES: Units = &[
    ("Joule", 1.0),
    ("Millijoule", 1e-3),
    ("Kilojoule", 1e3),
    ("Megajoule", 1e6),
    ("Gigajoule", 1e9),
    ("Calorie", 4.184),
    ("Kilocalorie", 4184.0),
    ("WattHour", 3600.0),
    ("KilowattHour", 3.6e6),
    ("MegawattHour", 3.6e9),
    ("GigawattHour", 3.6e12),
    ("BritishThermalUnit", 1_055.055_852_62),
    ("ElectronVolt", 1.602_176_565e-19),
    ("FootPound", 1.355_817_948_331_400_4),
    ("Erg", 1e-7),
];
const FORCES: Units = &[
    ("Newton", 1.0),
    ("Millinewton", 1e-3),
    ("Micronewton", 1e-6),
    ("Decanewton", 10.0),
    ("Kilonewton", 1e3),
    ("Meganewton", 1e6),
    ("Dyn", 1e-5),
    ("KilogramForce", 9.806_65),
    ("KiloPond", 9.806_65),
    ("TonneForce", 9_806.65),
    ("PoundForce", 4.448_221_615_260_5),
    ("OunceForce", 0.278_013_850_953_781_2),
    ("Poundal", 0.138_254_954_376),
];
const LENGTHS: Units = &[
    ("Meter", 1.0),
    ("Nanometer", 1e-9),
    ("Micrometer", 1e-6),
    ("Millimeter", 1e-3),
    ("Centimeter", 1e-2),
    ("Decimeter", 0.1),
    ("Decameter", 10.0),
    ("Hectometer", 100.0),
    ("Kilometer", 1e3),
    ("Angstrom", 1e-10),
    ("Inch", 0.0254),
    ("Foot", 0.3048),
    ("Yard", 0.9144),
    ("Mile", 1_609.344),
    ("NauticalMile", 1_852.0),
    ("Fathom", 1.8288),
    ("AstronomicalUnit", 1.495_978_707e11),
    ("LightYear", 9.460_730_472_580_8e15),
    ("Parsec", 3.085_677_581_28e16),
];
const MASSES: Units = &[
    ("Kilogram", 1.0),
    ("Nanogram", 1e-12),
    ("Microgram", 1e-9),
    ("Milligram", 1e-6),
    ("Gram", 1e-3),
    ("Hectogram", 0.1),
    ("Tonne", 1e3),
    ("Kilotonne", 1e6),
    ("Megatonne", 1e9),
    ("Grain", 6.479_891e-5),
    ("Ounce", 0.028_349_523_125),
    ("Pound", 0.453_592_37),
    ("Stone", 6.350_293_18),
    ("ShortTon", 907.184_74),
    ("LongTon", 1_016.046_908_8),
];
const SPEEDS: Units = &[
    ("MeterPerSecond", 1.0),
    ("MillimeterPerSecond", 1e-3),
    ("CentimeterPerSecond", 1e-2),
    ("KilometerPerSecond", 1e3),
    ("MeterPerMinute", 1.0 / 60.0),
    ("KilometerPerMinute", 1e3 / 60.0),
    ("MeterPerHour", 1.0 / 3600.0),
    ("KilometerPerHour", 1.0 / 3.6),
    ("FootPerSecond", 0.3048),
    ("MilePerHour", 0.447_04),
    ("Knot", 1_852.0 / 3600.0),
];
const VOLUMES: Units = &[
    ("CubicMeter", 1.0),
    ("CubicMillimeter", 1e-9),
    ("CubicCentimeter", 1e-6),
    ("CubicDecimeter", 1e-3),
    ("CubicKilometer", 1e9),
    ("Milliliter", 1e-6),
    ("Centiliter", 1e-5),
    ("Deciliter", 1e-4),
    ("Liter", 1e-3),
    ("Hectoliter", 0.1),
    ("CubicInch", 1.638_706_4e-5),
    ("CubicFoot", 0.028_316_846_592),
    ("CubicYard", 0.764_554_857_984),
    // The rounded factor with which the language counts.
    ("AcreFoot", 1.0 / 0.000_810_714),
    ("UsGallon", 0.003_785_411_784),
    ("ImperialGallon", 0.004_546_09),
    ("OilBarrel", 0.158_987_294_928),
];

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let units = match name {
        "convert_angle" => ANGLES,
        "convert_energy" => ENERGIES,
        "convert_force" => FORCES,
        "convert_length" => LENGTHS,
        "convert_mass" => MASSES,
        "convert_speed" => SPEEDS,
        "convert_volume" => VOLUMES,
        "convert_temperature" => return Some(converted(call, name, kelvin, of_kelvin)),
        _ => return None,
    };
    let factor = |unit: &str| units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor);
    Some(converted(
        call,
        name,
        |value, unit| Some(value * factor(unit)?),
        |value, unit| Some(value / factor(unit)?),
    ))
}

fn converted(
    call: &Call<'_>,
    function: &str,
    from: impl Fn(f64, &str) -> Option<f64>,
    to: impl Fn(f64, &str) -> Option<f64>,
) -> Evaluated {
    let Some(value) = call.real(0) else { return Ok(Value::Null(Type::Real)) };
    let unknown =
        |unit: &str| QueryError::failed(format!("{function}: '{unit}' is no unit that is known here"));
    let (first, second) = (call.text(1).unwrap_or_default(), call.text(2).unwrap_or_default());
    let base = from(value, &first).ok_or_else(|| unknown(&first))?;
    Ok(Value::Real(to(base, &second).ok_or_else(|| unknown(&second))?))
}

fn kelvin(value: f64, unit: &str) -> Option<f64> {
    Some(match unit {
        "Kelvin" => value,
        "DegreeCelsius" => value + 273.15,
        "DegreeFahrenheit" => (value + 459.67) * 5.0 / 9.0,
        "DegreeRankine" => value * 5.0 / 9.0,
        _ => return None,
    })
}

fn of_kelvin(value: f64, unit: &str) -> Option<f64> {
    Some(match unit {
        "Kelvin" => value,
        "DegreeCelsius" => value - 273.15,
        "DegreeFahrenheit" => value * 9.0 / 5.0 - 459.67,
        "DegreeRankine" => value * 9.0 / 5.0,
        _ => return None,
    })
}
