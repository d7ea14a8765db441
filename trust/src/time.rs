//! Times as metadata say them, `2026-11-21T19:20:01Z`, and as seconds since 1970.

const DAY_S: u64 = 86_400;

/// Seconds since 1970; `None` where it is no such time, or one before 1970.
pub fn read(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let form = bytes.len() == 20
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')]
            .iter()
            .all(|&(at, sign)| bytes[at] == sign);
    let part = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
        digits?.parse::<u64>().ok()
    };
    if !form {
        return None;
    }
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let fits = year >= 1970
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    fits.then(|| days(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second)
}

/// The same backwards; years beyond 9999 stay at its end.
pub fn print(seconds: u64) -> String {
    // 9999-12-31T23:59:59Z.
    let seconds = seconds.min(253_402_300_799);
    let (year, month, day) = date(seconds / DAY_S);
    let rest = seconds % DAY_S;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// Days from 1970-01-01 to a date, by years that begin in March (Howard Hinnant, "chrono-compatible low-level date
/// algorithms").
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, of_year - (153 * march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2026-11-21T19:20:01Z", 1_795_288_801),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ] {
            assert_eq!((read(text), print(seconds)), (Some(seconds), text.to_string()));
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2026-11-21",
            "2026-13-01T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "é026-11-21T19:20:0Z",
            "+026-11-21T19:20:01Z",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
