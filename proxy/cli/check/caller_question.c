#include "caller_question.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "caller_explanation.h"
#include "clock.h"
#include "mem.h"

// A token has 16 KiB at most.
#define SHOWN_MAX (64 * KIB)

static bool caller_question_read_shown(const char *path, char *buffer, struct bytes *ret_shown, struct error *ret_error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    size_t size;
    bool failed;

    if (!file)
        return error_set_unreadable(ret_error, path, errno);
    size = fread(buffer, 1, SHOWN_MAX, file);
    failed = ferror(file);
    if (file != stdin)
        fclose(file);
    if (failed)
        return error_set(ret_error, "%s: cannot be read: %s", path, strerror(errno));
    if (size == SHOWN_MAX)
        return error_set(ret_error, "%s: is larger than a token can be", path);
    while (size > 0 && strchr(" \t\r\n", buffer[size - 1]))
        size--;
    *ret_shown = bytes_of(buffer, size);
    return true;
}

enum explanation_result caller_question_explain(const struct config *config, const struct caller_question *question,
                                                char *const *words, size_t count, struct text *out,
                                                struct error *ret_error)
{
    struct caller_explanation_question asked = {
        .is_claims = question->is_claims, .now = clock_wall(clock_real()), .words = words, .count = count};
    enum explanation_result result = EXPLANATION_BAD;
    char *buffer;

    if (!config->broker.present) {
        error_set(ret_error, "there is no `broker`: tokens of callers are for a broker's grants");
        return EXPLANATION_BAD;
    }
    buffer = mem_wiping_malloc(SHOWN_MAX);
    if (!buffer)
        mem_exhausted();
    if (caller_question_read_shown(question->path, buffer, &asked.shown, ret_error)) {
        result = caller_explanation_append(config, &asked, out, ret_error);
        if (result == EXPLANATION_BAD)
            error_prefix(ret_error, "%s", question->path);
    }
    mem_wiping_free(buffer);
    return result;
}
