//! A straight line through a series.

use crate::json::{Json, bag};

/// A line by least squares over the positions, and how well it fits.
pub(super) struct Line {
    pub(super) slope: f64,
    pub(super) interception: f64,
    pub(super) variance: f64,
    pub(super) residual: f64,
    pub(super) fit: Vec<f64>,
}

impl Line {
    pub(super) fn through(all: &[f64]) -> Option<Line> {
        if all.is_empty() {
            return None;
        }
        let count = all.len() as f64;
        let (mean_x, mean_y) = ((count - 1.0) / 2.0, all.iter().sum::<f64>() / count);
        let each = || all.iter().enumerate().map(|(x, y)| (x as f64 - mean_x, y - mean_y));
        let (xx, xy): (f64, f64) = each().fold((0.0, 0.0), |(xx, xy), (x, y)| (xx + x * x, xy + x * y));
        let slope = if xx == 0.0 { 0.0 } else { xy / xx };
        let interception = mean_y - slope * mean_x;
        let fit: Vec<f64> = (0..all.len()).map(|x| interception + slope * x as f64).collect();
        let variance = each().map(|(_, y)| y * y).sum::<f64>() / count;
        let residual = all.iter().zip(&fit).map(|(y, fit)| (y - fit).powi(2)).sum::<f64>() / count;
        Some(Line { slope, interception, variance, residual, fit })
    }

    pub(super) fn rsquare(&self) -> f64 {
        if self.variance == 0.0 { 0.0 } else { 1.0 - self.residual / self.variance }
    }

    pub(super) fn to_json(&self) -> Json {
        bag([
            ("rsquare", self.rsquare().into()),
            ("slope", self.slope.into()),
            ("variance", self.variance.into()),
            ("rvariance", self.residual.into()),
            ("interception", self.interception.into()),
            ("line_fit", self.fit.clone().into()),
        ])
    }
}
