// Any bytes as audit events that people read: `gitlatch run --summary` and `gitlatch audit`. No control character of
// theirs reaches a terminal.
#include "run_summary.h"

#include "audit_line.h"
#include "fuzz.h"

static void check_shown(struct bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i], next = i + 1 < text.size ? (unsigned char)text.data[i + 1] : 0;

        FUZZ_CHECK((c >= 0x20 && c != 0x7F) || c == '\n');
        FUZZ_CHECK(c != 0xC2 || next < 0x80 || next >= 0xA0);
    }
}

static void check_line(struct bytes line)
{
    struct text text = {0};

    if (audit_line_append(line, false, &text)) {
        check_shown(text_bytes(&text));
        FUZZ_CHECK(memchr(text.data, '\n', text.size) == text.data + text.size - 1);
    } else {
        FUZZ_CHECK(text.size == 0);
    }
    text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest = bytes_of((const char *)data, size), line;
    struct text text = {0};

    run_summary_write(&text, rest, (int64_t)size);
    check_shown(text_bytes(&text));
    FUZZ_CHECK(bytes_start_with(text_bytes(&text), BYTES("gitlatch run: ")));
    text_free(&text);
    while (rest.size) {
        bytes_cut(rest, '\n', &line, &rest);
        check_line(line);
    }
    return 0;
}
