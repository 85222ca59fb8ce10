//! Local time from the time zone files of the system.

use tz::{DateTime, TimeZone};

/// The moment as local time with its zone; `None` when the zone is not known.
pub(in super::super) fn local(unix_ms: i64, tz: Option<&str>) -> Option<String> {
    let zone = match tz.filter(|tz| !tz.is_empty()) {
        Some(tz) => TimeZone::from_posix_tz(tz).ok()?,
        None => TimeZone::local().ok()?,
    };
    let seconds = unix_ms.div_euclid(1000);
    let moment = DateTime::from_timespec(seconds, 0, zone.as_ref()).ok()?;
    let offset = moment.local_time_type().ut_offset();
    let name = moment.local_time_type().time_zone_designation();
    let days = [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ];
    let day = days.get(usize::from(moment.week_day()))?;
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.unsigned_abs() / 60;
    Some(format!(
        "{day}, {:04}-{:02}-{:02} {:02}:{:02}:{:02} {name} ({sign}{:02}:{:02})",
        moment.year(),
        moment.month(),
        moment.month_day(),
        moment.hour(),
        moment.minute(),
        moment.second(),
        minutes / 60,
        minutes % 60
    ))
}
