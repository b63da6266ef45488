#include <gitlatch/reason.h>

#include <assert.h>

static const struct reason_row rows[REASON_COUNT] = {[REASON_NONE] = {"", 0, "", ""},
#define REASON_ROW(name, code, status, meaning, remedy) [REASON_##name] = {code, status, meaning, remedy},
                                                     REASON_LIST(REASON_ROW)
#undef REASON_ROW
};

const struct reason_row *reason_row(enum reason reason)
{
    assert(reason < REASON_COUNT);
    return &rows[reason];
}
