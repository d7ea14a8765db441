//! What all rounds came to, kind by kind. Pure.

use std::time::Duration;

use super::{KINDS, Kind, Round};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    pub kind: Kind,
    pub count: usize,
    pub median: Duration,
    pub worst: Duration,
}

/// A row a kind that came.
pub fn table(rounds: &[Round]) -> Vec<Row> {
    KINDS.into_iter().filter_map(|kind| row(kind, rounds)).collect()
}

fn row(kind: Kind, rounds: &[Round]) -> Option<Row> {
    let of_kind = rounds.iter().filter(|round| round.fault.kind() == kind);
    let mut took: Vec<Duration> = of_kind.map(|round| round.again).collect();
    took.sort();
    let (median, worst) = (*took.get(took.len() / 2)?, *took.last()?);
    Some(Row { kind, count: took.len(), median, worst })
}

#[cfg(test)]
mod tests {
    use super::super::{Fault, draw};
    use super::*;

    #[test]
    fn a_row_a_kind() {
        let round = |number, again_ms| {
            let fault = Fault::Power(vec![number]);
            Round { number, fault, again: Duration::from_millis(again_ms), notes: vec![] }
        };
        let rows = table(&[round(1, 30), round(2, 10), round(3, 20)]);
        let ms = Duration::from_millis;
        assert_eq!(rows, [Row { kind: Kind::Power, count: 3, median: ms(20), worst: ms(30) }]);
        assert_eq!(table(&[]), []);
        assert_ne!(draw(1, 1, &[]).1.kind(), draw(1, 2, &[]).1.kind());
    }
}
