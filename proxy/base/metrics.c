#include "metrics.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>

#include "mem.h"

enum metric_type { COUNTER, GAUGE, HISTOGRAM };

struct metric_row {
    enum metric_type type;
    const char *name;
    const char *help;
    const char *labels[METRIC_LABELS_MAX];
};

static const struct metric_row rows[METRIC_COUNT] = {
#define METRIC_ROW(id, type, name, help, ...) [METRIC_##id] = {type, name, help, {__VA_ARGS__}},
    METRIC_LIST(METRIC_ROW)
#undef METRIC_ROW
};

static const char *const type_names[] = {[COUNTER] = "counter", [GAUGE] = "gauge", [HISTOGRAM] = "histogram"};

// Seconds. A request on a warm connection takes some ms, a mint some tenths, the clone of a large repository
// minutes.
static const double bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

struct series {
    char *labels[METRIC_LABELS_MAX];
    double value; // a counter's or gauge's; a histogram's sum
    // A histogram's: in each bucket, not cumulative; the last is +Inf.
    uint64_t counts[GL_ARRAY_SIZE(bounds) + 1];
};

struct family {
    struct series **series; // in the order in which they came
    size_t count;
    size_t capacity;
};

struct metrics {
    struct family families[METRIC_COUNT];
    struct {
        metrics_collect_fn *fn;
        void *arg;
    } * collectors;
    size_t collector_count;
    size_t collector_capacity;
};

// Position in the family; its count where it is not there. A family has few series, so they are looked at in
// turn.
static size_t metrics_find(const struct metrics *metrics, enum metric metric, const char *const *labels)
{
    const struct family *family = &metrics->families[metric];
    size_t at;

    for (at = 0; at < family->count; at++) {
        size_t i = 0;

        while (i < METRIC_LABELS_MAX && rows[metric].labels[i] && strcmp(family->series[at]->labels[i], labels[i]) == 0)
            i++;
        if (i == METRIC_LABELS_MAX || !rows[metric].labels[i])
            break;
    }
    return at;
}

// Made where it is not there.
static struct series *series_of(struct metrics *metrics, enum metric metric, const char *const *labels)
{
    static const char *const other[METRIC_LABELS_MAX] = {"other", "other", "other"};
    struct family *family = &metrics->families[metric];
    size_t at = metrics_find(metrics, metric, labels);
    struct series *series;

    if (at == family->count && family->count >= METRIC_SERIES_MAX - 1) {
        labels = other;
        at = metrics_find(metrics, metric, labels);
    }
    if (at < family->count)
        return family->series[at];
    series = mem_alloc_zero(1, sizeof(*series));
    for (size_t i = 0; i < METRIC_LABELS_MAX && rows[metric].labels[i]; i++)
        series->labels[i] = mem_string(labels[i]);
    family->series = mem_grow(family->series, &family->capacity, family->count + 1, sizeof(struct series *));
    family->series[family->count++] = series;
    return series;
}

struct metrics *metrics_new(void)
{
    struct metrics *metrics = mem_alloc_zero(1, sizeof(*metrics));

    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        if (!rows[metric].labels[0])
            series_of(metrics, metric, METRIC_NO_LABELS);
    metrics_set(metrics, METRIC_BUILD_INFO, METRIC_LABELS(GITLATCH_VERSION), 1);
    return metrics;
}

static void series_free(struct series *series)
{
    for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
        mem_free(series->labels[i]);
    mem_free(series);
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        for (size_t j = 0; j < metrics->families[i].count; j++)
            series_free(metrics->families[i].series[j]);
        mem_free(metrics->families[i].series);
    }
    mem_free(metrics->collectors);
    mem_free(metrics);
}

static void series_observe(struct series *series, double value)
{
    size_t bucket = 0;

    while (bucket < GL_ARRAY_SIZE(bounds) && value > bounds[bucket])
        bucket++;
    series->counts[bucket]++;
    series->value += value;
}

void metrics_add(struct metrics *metrics, enum metric metric, const char *const *labels, double amount)
{
    assert(rows[metric].type != HISTOGRAM && (rows[metric].type != COUNTER || amount >= 0));
    series_of(metrics, metric, labels)->value += amount;
}

void metrics_set(struct metrics *metrics, enum metric metric, const char *const *labels, double value)
{
    assert(rows[metric].type != HISTOGRAM);
    series_of(metrics, metric, labels)->value = value;
}

void metrics_observe(struct metrics *metrics, enum metric metric, const char *const *labels, double value)
{
    assert(rows[metric].type == HISTOGRAM);
    series_observe(series_of(metrics, metric, labels), value);
}

void metrics_remove(struct metrics *metrics, enum metric metric, const char *const *labels)
{
    struct family *family = &metrics->families[metric];
    size_t at = metrics_find(metrics, metric, labels);

    if (at == family->count)
        return;
    series_free(family->series[at]);
    family->count--;
    memmove(family->series + at, family->series + at + 1, (family->count - at) * sizeof(struct series *));
}

static uint64_t observations(const struct series *series)
{
    uint64_t count = 0;

    for (size_t i = 0; i < GL_ARRAY_SIZE(series->counts); i++)
        count += series->counts[i];
    return count;
}

double metrics_value(const struct metrics *metrics, enum metric metric, const char *const *labels)
{
    const struct family *family = &metrics->families[metric];
    size_t at = metrics_find(metrics, metric, labels);

    if (at == family->count)
        return 0;
    if (rows[metric].type == HISTOGRAM)
        return (double)observations(family->series[at]);
    return family->series[at]->value;
}

void metrics_collect(struct metrics *metrics, metrics_collect_fn *fn, void *arg)
{
    size_t at = metrics->collector_count++;

    metrics->collectors = mem_grow(metrics->collectors, &metrics->collector_capacity, metrics->collector_count,
                                   sizeof(*metrics->collectors));
    metrics->collectors[at].fn = fn;
    metrics->collectors[at].arg = arg;
}

static void write_escaped(struct text *text, const char *value)
{
    for (; *value; value++) {
        if (*value == '\n')
            text_append(text, "\\n");
        else if (*value == '"' || *value == '\\')
            text_append_bytes(text, bytes_of((char[]){'\\', *value}, 2));
        else
            text_append_char(text, *value);
    }
}

static void write_number(struct text *text, double value)
{
    // Up to 2^53 whole numbers are exact, and are written so: a timestamp is not rounded.
    if (value == trunc(value) && fabs(value) < 9007199254740992.0)
        text_format(text, "%.0f\n", value);
    else
        text_format(text, "%.15g\n", value);
}

// One sample. `le` is a bucket's bound, or NULL; a label whose bit is in `hidden` is left out.
static void write_sample(struct text *text, enum metric metric, const char *suffix, const struct series *series,
                         unsigned hidden, const char *le, double value)
{
    char before = '{';

    text_format(text, "%s%s", rows[metric].name, suffix);
    for (unsigned i = 0; i < METRIC_LABELS_MAX && rows[metric].labels[i]; i++) {
        if (hidden & 1u << i)
            continue;
        text_format(text, "%c%s=\"", before, rows[metric].labels[i]);
        write_escaped(text, series->labels[i]);
        text_append_char(text, '"');
        before = ',';
    }
    if (le) {
        text_format(text, "%cle=\"%s\"", before, le);
        before = ',';
    }
    text_append(text, before == '{' ? " " : "} ");
    write_number(text, value);
}

static void write_histogram(struct text *text, enum metric metric, const struct series *series)
{
    uint64_t count = 0;

    for (size_t i = 0; i < GL_ARRAY_SIZE(bounds); i++) {
        char le[32];

        count += series->counts[i];
        snprintf(le, sizeof(le), "%g", bounds[i]);
        write_sample(text, metric, "_bucket", series, 0, le, (double)count);
    }
    count = observations(series);
    write_sample(text, metric, "_bucket", series, 0, "+Inf", (double)count);
    write_sample(text, metric, "_sum", series, 0, NULL, series->value);
    write_sample(text, metric, "_count", series, 0, NULL, (double)count);
}

static bool same_but(const struct series *a, const struct series *b, unsigned hidden)
{
    for (unsigned i = 0; i < METRIC_LABELS_MAX; i++)
        if (!(hidden & 1u << i) && a->labels[i] && strcmp(a->labels[i], b->labels[i]) != 0)
            return false;
    return true;
}

// Series that differ only in hidden labels are one, with the lowest value, written where the first of them
// stands.
static void write_merged(struct text *text, enum metric metric, const struct family *family, unsigned hidden)
{
    for (size_t i = 0; i < family->count; i++) {
        double lowest = family->series[i]->value;
        bool first = true;

        for (size_t j = 0; first && j < family->count; j++) {
            if (!same_but(family->series[i], family->series[j], hidden))
                continue;
            first = j >= i;
            lowest = family->series[j]->value < lowest ? family->series[j]->value : lowest;
        }
        if (first)
            write_sample(text, metric, "", family->series[i], hidden, NULL, lowest);
    }
}

static unsigned repository_labels_of(enum metric metric)
{
    unsigned labels = 0;

    for (unsigned i = 0; i < METRIC_LABELS_MAX && rows[metric].labels[i]; i++)
        if (strcmp(rows[metric].labels[i], "scope") == 0)
            labels |= 1u << i;
    return labels;
}

static void write_family(struct text *text, enum metric metric, const struct family *family, unsigned hidden)
{
    text_format(text, "# HELP %s %s\n# TYPE %s %s\n", rows[metric].name, rows[metric].help, rows[metric].name,
                type_names[rows[metric].type]);
    if (hidden) {
        write_merged(text, metric, family, hidden);
        return;
    }
    for (size_t i = 0; i < family->count; i++) {
        if (rows[metric].type == HISTOGRAM)
            write_histogram(text, metric, family->series[i]);
        else
            write_sample(text, metric, "", family->series[i], 0, NULL, family->series[i]->value);
    }
}

void metrics_write(struct metrics *metrics, struct text *text, bool repository_labels)
{
    for (size_t i = 0; i < metrics->collector_count; i++)
        metrics->collectors[i].fn(metrics, metrics->collectors[i].arg);
    for (enum metric metric = 0; metric < METRIC_COUNT; metric++)
        if (metrics->families[metric].count)
            write_family(text, metric, &metrics->families[metric],
                         repository_labels ? 0 : repository_labels_of(metric));
}
