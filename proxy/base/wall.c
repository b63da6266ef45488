// The written forms of `struct wall`: RFC 3339 and the dates of HTTP.
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define YEAR_0_MS    (INT64_C(-62167219200) * SECOND_MS) // 0000-01-01T00:00:00Z
#define YEAR_9999_MS (INT64_C(253402300800) * SECOND_MS - 1)

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

// What is left to be parsed, and whether all of it so far was as expected: a parser reads straight on and
// looks once.
struct scan {
    struct bytes rest;
    bool ok;
};

static bool wall_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int scan_number(struct scan *scan, size_t digits)
{
    int number = 0;

    if (scan->rest.size < digits)
        scan->ok = false;
    for (size_t i = 0; scan->ok && i < digits; i++) {
        if (!wall_is_digit(scan->rest.data[i]))
            scan->ok = false;
        number = number * 10 + (scan->rest.data[i] - '0');
    }
    if (!scan->ok)
        return 0;
    scan->rest = bytes_skip(scan->rest, digits);
    return number;
}

static void scan_literal(struct scan *scan, const char *literal)
{
    struct bytes expected = bytes_of_string(literal);

    if (scan->ok && bytes_start_with(scan->rest, expected))
        scan->rest = bytes_skip(scan->rest, expected.size);
    else
        scan->ok = false;
}

// 0 to 11.
static int scan_month(struct scan *scan)
{
    for (int month = 0; scan->ok && scan->rest.size >= 3 && month < 12; month++)
        if (bytes_start_with(scan->rest, bytes_of(months + 3 * month, 3))) {
            scan->rest = bytes_skip(scan->rest, 3);
            return month;
        }
    scan->ok = false;
    return 0;
}

static void scan_time(struct scan *scan, struct tm *tm)
{
    tm->tm_hour = scan_number(scan, 2);
    scan_literal(scan, ":");
    tm->tm_min = scan_number(scan, 2);
    scan_literal(scan, ":");
    tm->tm_sec = scan_number(scan, 2);
}

static bool from_tm(const struct tm *tm, struct wall *ret_wall)
{
    struct tm normal = *tm;
    time_t seconds;

    if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60 || tm->tm_mon < 0 || tm->tm_mon > 11)
        return false;
    // A leap second is taken for the one before: Unix time has no room for it.
    if (normal.tm_sec == 60)
        normal.tm_sec = 59;
    seconds = timegm(&normal);
    // A day that its month does not have was moved to another by timegm.
    if (normal.tm_mday != tm->tm_mday || normal.tm_mon != tm->tm_mon)
        return false;
    *ret_wall = (struct wall){seconds * SECOND_MS};
    return true;
}

// `width` digits, with zeros before.
static char *put_digits(char *at, int number, unsigned width)
{
    for (unsigned i = width; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
    return at + width;
}

// The digits, and the character after them.
static char *put_part(char *at, int number, unsigned width, char after)
{
    at = put_digits(at, number, width);
    *at = after;
    return at + 1;
}

static int64_t within_years(struct wall wall)
{
    return wall.ms < YEAR_0_MS ? YEAR_0_MS : wall.ms > YEAR_9999_MS ? YEAR_9999_MS : wall.ms;
}

void wall_format_rfc3339(struct wall wall, enum wall_precision precision, char ret_text[static WALL_TEXT_SIZE])
{
    int64_t ms = within_years(wall);
    int fraction = (int)(((ms % SECOND_MS) + SECOND_MS) % SECOND_MS);
    time_t seconds = (ms - fraction) / SECOND_MS;
    char *at = ret_text;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    at = put_part(at, tm.tm_year + 1900, 4, '-');
    at = put_part(at, tm.tm_mon + 1, 2, '-');
    at = put_part(at, tm.tm_mday, 2, 'T');
    at = put_part(at, tm.tm_hour, 2, ':');
    at = put_part(at, tm.tm_min, 2, ':');
    if (precision == WALL_SECONDS) {
        at = put_part(at, tm.tm_sec, 2, 'Z');
    } else {
        at = put_part(at, tm.tm_sec, 2, '.');
        at = put_part(at, fraction, 3, 'Z');
    }
    *at = '\0';
}

static char *put_name(char *at, const char *name, char after)
{
    memcpy(at, name, 3);
    at[3] = after;
    return at + 4;
}

void wall_format_http_date(struct wall wall, char ret_text[static WALL_HTTP_SIZE])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    int64_t ms = within_years(wall);
    time_t seconds = (ms - ((ms % SECOND_MS) + SECOND_MS) % SECOND_MS) / SECOND_MS;
    char *at = ret_text;
    struct tm tm;

    gmtime_r(&seconds, &tm);
    at = put_name(at, days + 3 * tm.tm_wday, ',');
    *at++ = ' ';
    at = put_part(at, tm.tm_mday, 2, ' ');
    at = put_name(at, months + 3 * tm.tm_mon, ' ');
    at = put_part(at, tm.tm_year + 1900, 4, ' ');
    at = put_part(at, tm.tm_hour, 2, ':');
    at = put_part(at, tm.tm_min, 2, ':');
    at = put_part(at, tm.tm_sec, 2, ' ');
    put_name(at, "GMT", '\0');
}

// The fraction of a second in ms, where there is one.
static int scan_fraction(struct scan *scan)
{
    int ms = 0, unit = 100;

    if (!scan->ok || scan->rest.size == 0 || scan->rest.data[0] != '.')
        return 0;
    scan_literal(scan, ".");
    scan->ok = scan->rest.size && wall_is_digit(scan->rest.data[0]);
    while (scan->ok && scan->rest.size && wall_is_digit(scan->rest.data[0])) {
        ms += (scan->rest.data[0] - '0') * unit;
        unit /= 10;
        scan->rest = bytes_skip(scan->rest, 1);
    }
    return ms;
}

// "Z" or "+01:30", in ms east of UTC.
static int64_t scan_offset(struct scan *scan)
{
    char sign = scan->ok && scan->rest.size ? scan->rest.data[0] : '\0';
    int hours, minutes;

    if (sign == 'Z' || sign == 'z') {
        scan->rest = bytes_skip(scan->rest, 1);
        return 0;
    }
    scan_literal(scan, sign == '-' ? "-" : "+");
    hours = scan_number(scan, 2);
    scan_literal(scan, ":");
    minutes = scan_number(scan, 2);
    if (hours > 23 || minutes > 59)
        scan->ok = false;
    return (hours * HOUR_MS + minutes * MINUTE_MS) * (sign == '-' ? -1 : 1);
}

bool wall_parse_rfc3339(struct bytes text, struct wall *ret_wall)
{
    struct scan scan = {text, true};
    struct tm tm = {0};
    struct wall wall;
    int64_t offset;
    int ms;

    tm.tm_year = scan_number(&scan, 4) - 1900;
    scan_literal(&scan, "-");
    tm.tm_mon = scan_number(&scan, 2) - 1;
    scan_literal(&scan, "-");
    tm.tm_mday = scan_number(&scan, 2);
    if (scan.ok && scan.rest.size && strchr("Tt ", scan.rest.data[0]) && scan.rest.data[0])
        scan.rest = bytes_skip(scan.rest, 1);
    else
        scan.ok = false;
    scan_time(&scan, &tm);
    ms = scan_fraction(&scan);
    offset = scan_offset(&scan);
    if (!scan.ok || scan.rest.size || !from_tm(&tm, &wall))
        return false;
    *ret_wall = (struct wall){wall.ms + ms - offset};
    return true;
}

// "Sun, 06 Nov 1994 08:49:37 GMT", from after the comma.
static void scan_fixdate(struct scan *scan, struct tm *tm)
{
    scan_literal(scan, " ");
    tm->tm_mday = scan_number(scan, 2);
    scan_literal(scan, " ");
    tm->tm_mon = scan_month(scan);
    scan_literal(scan, " ");
    tm->tm_year = scan_number(scan, 4) - 1900;
    scan_literal(scan, " ");
    scan_time(scan, tm);
    scan_literal(scan, " GMT");
}

// "Sunday, 06-Nov-94 08:49:37 GMT", from after the comma. A year more than 50 years ahead was a century ago.
static void scan_rfc850(struct scan *scan, struct wall now, struct tm *tm)
{
    time_t seconds = now.ms / SECOND_MS;
    struct tm today;

    gmtime_r(&seconds, &today);
    scan_literal(scan, " ");
    tm->tm_mday = scan_number(scan, 2);
    scan_literal(scan, "-");
    tm->tm_mon = scan_month(scan);
    scan_literal(scan, "-");
    tm->tm_year = scan_number(scan, 2) + today.tm_year / 100 * 100;
    if (tm->tm_year > today.tm_year + 50)
        tm->tm_year -= 100;
    scan_literal(scan, " ");
    scan_time(scan, tm);
    scan_literal(scan, " GMT");
}

// "Sun Nov  6 08:49:37 1994"
static void scan_asctime(struct scan *scan, struct tm *tm)
{
    scan->rest = bytes_skip(scan->rest, 3);
    scan_literal(scan, " ");
    tm->tm_mon = scan_month(scan);
    scan_literal(scan, " ");
    if (scan->rest.size && scan->rest.data[0] == ' ') {
        scan_literal(scan, " ");
        tm->tm_mday = scan_number(scan, 1);
    } else {
        tm->tm_mday = scan_number(scan, 2);
    }
    scan_literal(scan, " ");
    scan_time(scan, tm);
    scan_literal(scan, " ");
    tm->tm_year = scan_number(scan, 4) - 1900;
}

bool wall_parse_http_date(struct bytes text, struct wall now, struct wall *ret_wall)
{
    struct scan scan = {text, text.size >= 3};
    struct bytes day, after;
    struct tm tm = {0};

    if (!scan.ok)
        return false;
    // The day's name is not looked at: it says nothing that the date does not.
    if (!bytes_cut(text, ',', &day, &after)) {
        scan_asctime(&scan, &tm);
    } else {
        scan.rest = after;
        if (day.size == 3)
            scan_fixdate(&scan, &tm);
        else
            scan_rfc850(&scan, now, &tm);
    }
    if (!scan.ok || scan.rest.size)
        return false;
    return from_tm(&tm, ret_wall);
}
