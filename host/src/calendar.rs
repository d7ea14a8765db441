//! When a timer fires: a small part of systemd's OnCalendar, in UTC. Pure: it asks no clock.
//!
//! ```text
//! daily                   00:00:00        hourly, weekly (Monday), monthly (the 1st), minutely alike
//! daily 03:00             each day at 03:00:00; weekly and monthly take a time too
//! Mon..Fri 08:30          on these days; a list: Mon,Thu
//! *-*-01 04:00:30         date and time: `*`, a number, a list 1,15, a range 9..17, a step */15 or 5/10
//! *:0/15                  each quarter of an hour
//! ```
//! Not there: zones, the last day of a month (`~`), parts of seconds. UTC has no hour that comes twice.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

const DAY_S: i64 = 86_400;
/// Weekdays and dates repeat after 28 years, but for a century that is no leap year: 40 finds all there are.
const DAYS_MAX: i64 = 40 * 366;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What may be, bit by bit.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Calendar {
    text: String,
    /// Bit 0 is Monday.
    weekdays: u64,
    /// Empty: all.
    years: Vec<i64>,
    months: u64,
    days: u64,
    hours: u64,
    minutes: u64,
    seconds: u64,
}

impl fmt::Debug for Calendar {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "Calendar({})", self.text)
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        to.write_str(&self.text)
    }
}

impl TryFrom<String> for Calendar {
    type Error = String;
    fn try_from(text: String) -> Result<Calendar, String> {
        text.parse()
    }
}

impl FromStr for Calendar {
    type Err = String;

    /// The error says which word is none.
    fn from_str(text: &str) -> Result<Calendar, String> {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let mut calendar = Calendar::at_midnight(text);
        let named = words.first().is_some_and(|word| calendar.name(word));
        if named {
            words.remove(0);
        } else if words.is_empty() {
            return Err("no word; as `daily 03:00`".into());
        }
        let mut timed = named && calendar.hours.count_ones() > 1;
        let mut dated = named;
        for word in words {
            match word {
                _ if timed => return Err(format!("`{word}` stands behind the time")),
                _ if word.contains(':') => (timed, dated) = (calendar.time(word)?, true),
                _ if dated => return Err(format!("`{word}` is no time; as 03:00 or 03:00:30")),
                _ if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    calendar.weekdays = weekdays(word)?
                }
                _ => dated = calendar.date(word)?,
            }
        }
        // 30 February never comes.
        calendar.next(0).map(|_| calendar.clone()).ok_or_else(|| format!("`{text}` never comes"))
    }
}

impl Calendar {
    fn at_midnight(text: &str) -> Calendar {
        let (weekdays, months, days) = (span(0, 6), span(1, 12), span(1, 31));
        Calendar {
            text: text.into(),
            weekdays,
            years: vec![],
            months,
            days,
            hours: 1,
            minutes: 1,
            seconds: 1,
        }
    }

    /// Whether `word` is one of the names, which then holds.
    fn name(&mut self, word: &str) -> bool {
        match word {
            "minutely" => (self.hours, self.minutes) = (span(0, 23), span(0, 59)),
            "hourly" => self.hours = span(0, 23),
            "daily" => {}
            "weekly" => self.weekdays = 1,
            "monthly" => self.days = 1 << 1,
            _ => return false,
        }
        true
    }

    fn time(&mut self, word: &str) -> Result<bool, String> {
        let parts: Vec<&str> = word.split(':').collect();
        let (hour, minute, second) = match parts[..] {
            [hour, minute] => (hour, minute, "0"),
            [hour, minute, second] => (hour, minute, second),
            _ => return Err(format!("`{word}` is no time; as 03:00 or 03:00:30")),
        };
        self.hours = field(hour, 0, 23)?;
        self.minutes = field(minute, 0, 59)?;
        self.seconds = field(second, 0, 59)?;
        Ok(true)
    }

    fn date(&mut self, word: &str) -> Result<bool, String> {
        let parts: Vec<&str> = word.split('-').collect();
        let (year, month, day) = match parts[..] {
            [year, month, day] => (year, month, day),
            [month, day] => ("*", month, day),
            _ => return Err(format!("`{word}` is no date; as *-*-01 or 2027-01-31")),
        };
        if year != "*" {
            let one = |text: &str| text.parse().ok().filter(|year| (1970..=9999).contains(year));
            let years = year.split(',').map(|text| one(text).ok_or_else(|| format!("`{text}` is no year")));
            self.years = years.collect::<Result<_, _>>()?;
        }
        self.months = field(month, 1, 12)?;
        self.days = field(day, 1, 31)?;
        Ok(true)
    }

    /// The first second after `now` that fits, both since 1970-01-01T00:00:00Z. `None`: there is none any more.
    pub fn next(&self, now: i64) -> Option<i64> {
        let first = now.saturating_add(1);
        let today = first.div_euclid(DAY_S);
        let last_year = self.years.iter().max().map(|year| days_until(*year + 1, 1, 1));
        let end = last_year.unwrap_or(today.saturating_add(DAYS_MAX));
        let start = self.years.iter().min().map_or(today, |year| days_until(*year, 1, 1).max(today));
        let end = end.min(start.saturating_add(DAYS_MAX));
        (start..end).filter(|day| self.has_day(*day)).find_map(|day| {
            let from = if day == today { first.rem_euclid(DAY_S) } else { 0 };
            self.second_of_day(from).map(|second| day * DAY_S + second)
        })
    }

    fn has_day(&self, day: i64) -> bool {
        let (year, month, of_month) = date_of(day);
        // 1970-01-01 was a Thursday.
        let weekday = (day + 3).rem_euclid(7);
        self.weekdays >> weekday & 1 == 1
            && self.months >> month & 1 == 1
            && self.days >> of_month & 1 == 1
            && (self.years.is_empty() || self.years.contains(&year))
    }

    fn second_of_day(&self, from: i64) -> Option<i64> {
        let (hour, minute, second) = (from / 3600, from / 60 % 60, from % 60);
        let least = |set: u64, from: i64| (from..64).find(|at| set >> at & 1 == 1);
        let whole = |hour: i64, minute: i64, second: i64| hour * 3600 + minute * 60 + second;
        let (first_minute, first_second) = (least(self.minutes, 0)?, least(self.seconds, 0)?);
        if self.hours >> hour & 1 == 1 {
            let here = (self.minutes >> minute & 1 == 1).then(|| least(self.seconds, second)).flatten();
            if let Some(second) = here {
                return Some(whole(hour, minute, second));
            }
            if let Some(minute) = least(self.minutes, minute + 1) {
                return Some(whole(hour, minute, first_second));
            }
        }
        least(self.hours, hour + 1).map(|hour| whole(hour, first_minute, first_second))
    }
}

/// Bits `low` to `high`.
fn span(low: u32, high: u32) -> u64 {
    (low..=high).map(|at| 1 << at).sum()
}

/// `*`, `5`, `1,15`, `9..17`, `*/15`, `5/10`.
fn field(text: &str, low: u32, high: u32) -> Result<u64, String> {
    text.split(',').try_fold(0, |all, part| Ok(all | piece(part, low, high)?))
}

fn piece(text: &str, low: u32, high: u32) -> Result<u64, String> {
    let fault = || format!("`{text}` is not from {low} to {high}");
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|at| digits && (low..=high).contains(at)).ok_or_else(fault)
    };
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step.parse().ok().filter(|step| *step > 0).ok_or_else(fault)?)),
        None => (text, None),
    };
    let (first, last) = match (range, range.split_once("..")) {
        ("*", _) => (low, high),
        (_, Some((first, last))) => (number(first)?, number(last)?),
        _ => (number(range)?, if step.is_some() { high } else { number(range)? }),
    };
    if first > last {
        return Err(fault());
    }
    Ok((first..=last).step_by(step.unwrap_or(1)).map(|at| 1 << at).sum())
}

/// `Mon`, `Mon,Thu`, `Mon..Fri`.
fn weekdays(text: &str) -> Result<u64, String> {
    let one = |name: &str| {
        let name = name.to_ascii_lowercase();
        let found = DAYS.iter().position(|day| *day == name || full(day) == name);
        found.ok_or_else(|| format!("`{name}` is no weekday; as Mon"))
    };
    text.split(',').try_fold(0, |all, part| {
        let (first, last) = part.split_once("..").unwrap_or((part, part));
        let (first, last) = (one(first)?, one(last)?);
        // Sat..Mon goes over the end of the week.
        let count = (last + 7 - first) % 7;
        Ok(all | (0..=count).map(|more| 1 << ((first + more) % 7)).sum::<u64>())
    })
}

fn full(short: &str) -> String {
    let rest = match short {
        "tue" => "s",
        "wed" => "nes",
        "thu" => "rs",
        "sat" => "ur",
        _ => "",
    };
    format!("{short}{rest}day")
}

/// Days since 1970-01-01 of a date, by the proleptic Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days_until(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day since 1970-01-01 (Howard Hinnant's `civil_from_days`).
pub fn date_of(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(text: &str) -> i64 {
        let numbers: Vec<i64> = text.split(['-', ' ', ':']).map(|part| part.parse().unwrap()).collect();
        let [year, month, day, hour, minute, second] = numbers[..] else { panic!("{text}") };
        days_until(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second
    }

    fn written(at: i64) -> String {
        let (year, month, day) = date_of(at.div_euclid(DAY_S));
        let rest = at.rem_euclid(DAY_S);
        format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
    }

    /// `now` is a Saturday.
    fn check(calendar: &str, expected: &str) {
        let next = calendar.parse::<Calendar>().unwrap().next(second("2026-11-21 22:35:37"));
        assert_eq!(next.map(written).as_deref(), Some(expected), "{calendar}");
    }

    #[test]
    fn what_comes_next() {
        check("minutely", "2026-11-21 22:36:00");
        check("hourly", "2026-11-21 23:00:00");
        check("daily", "2026-11-22 00:00:00");
        check("daily 03:00", "2026-11-22 03:00:00");
        check("daily 22:36", "2026-11-21 22:36:00");
        check("daily 22:35:37", "2026-11-22 22:35:37");
        check("weekly", "2026-11-23 00:00:00");
        check("weekly 04:05", "2026-11-23 04:05:00");
        check("monthly", "2026-12-01 00:00:00");
        check("Mon..Fri 08:30", "2026-11-23 08:30:00");
        check("Sat..Mon 08:30", "2026-11-22 08:30:00");
        check("thursday,Sat 23:00", "2026-11-21 23:00:00");
        check("*:0/15", "2026-11-21 22:45:00");
        check("*:*:*/10", "2026-11-21 22:35:40");
        check("9..17:5,35", "2026-11-22 09:05:00");
        check("*-*-01 04:00:30", "2026-12-01 04:00:30");
        check("02-29 12:00", "2028-02-29 12:00:00");
        check("Mon *-02-29", "2044-02-29 00:00:00");
        check("2030,2040-01-01", "2030-01-01 00:00:00");
        check("2150-01-01", "2150-01-01 00:00:00");
        check("Sun *-*-1..7 02:00", "2026-12-06 02:00:00");
    }

    #[test]
    fn what_is_past_does_not_come() {
        assert_eq!("2020-01-01".parse::<Calendar>().unwrap().next(second("2026-01-01 00:00:00")), None);
    }

    #[test]
    fn each_fault_says_its_word() {
        let fault = |text: &str| text.parse::<Calendar>().unwrap_err();
        assert_eq!(fault(""), "no word; as `daily 03:00`");
        assert_eq!(fault("daly"), "`daly` is no weekday; as Mon");
        assert_eq!(fault("daily 3"), "`3` is no time; as 03:00 or 03:00:30");
        assert_eq!(fault("daily 25:00"), "`25` is not from 0 to 23");
        assert_eq!(fault("hourly 03:00"), "`03:00` stands behind the time");
        assert_eq!(fault("03:00 daily"), "`daily` stands behind the time");
        assert_eq!(fault("*:*/0"), "`*/0` is not from 0 to 59");
        assert_eq!(fault("*:9..3"), "`9..3` is not from 0 to 59");
        assert_eq!(fault("1:2:3:4"), "`1:2:3:4` is no time; as 03:00 or 03:00:30");
        assert_eq!(fault("*-02-30"), "`*-02-30` never comes");
        assert_eq!(fault("*-*-*-* 1:00"), "`*-*-*-*` is no date; as *-*-01 or 2027-01-31");
        assert_eq!(fault("+1:00"), "`+1` is not from 0 to 23");
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for day in -800_000..800_000 {
            let (year, month, of_month) = date_of(day);
            assert_eq!(days_until(year, month, of_month), day);
        }
        assert_eq!(date_of(0), (1970, 1, 1));
    }

    /// What comes next comes later, and fits; and no second between does.
    #[test]
    fn next_is_the_first_that_fits() {
        for text in ["*:0/7:3", "Mon,Wed 1..3:30", "*-*-31 23:59:59"] {
            let calendar: Calendar = text.parse().unwrap();
            let mut now = second("2027-02-27 23:50:00");
            for _ in 0..50 {
                let next = calendar.next(now).unwrap();
                assert!(next > now && calendar.next(next - 1) == Some(next), "{text} {}", written(next));
                now = next;
            }
        }
    }
}
