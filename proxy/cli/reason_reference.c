#include "reason_reference.h"

#include <gitlatch/reason.h>

void reason_reference_print(struct text *text)
{
    for (int reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
        const struct reason_row *row = reason_row((enum reason)reason);

        text_format(text, "%s (%d): %s\n", row->code, row->status, row->meaning);
        if (row->remedy[0])
            text_format(text, "    %s\n", row->remedy);
    }
}
