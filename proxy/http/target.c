#include "target.h"

#include "percent.h"

static const char dots[] = "a segment of the path that is . or ..";

// NULL: the segment can be read in one way only.
static const char *check_segment(struct bytes segment)
{
    size_t size = 0; // since the segment's begin, or an encoded slash
    bool only_dots = true;

    while (segment.size) {
        int byte = percent_next(&segment);

        if (byte < 0)
            return "a % without two hexadecimal digits in the path";
        if (byte == '\0' || byte == '\\')
            return "a NUL or a backslash in the path";
        if (byte == '/') {
            if (only_dots && (size == 1 || size == 2))
                return dots;
            size = 0;
            only_dots = true;
            continue;
        }
        size++;
        only_dots &= byte == '.';
    }
    return only_dots && (size == 1 || size == 2) ? dots : NULL;
}

// The same where nothing is encoded, as in most paths, and there is no backslash.
static const char *check_plain_segment(struct bytes segment)
{
    return bytes_equal(segment, BYTES(".")) || bytes_equal(segment, BYTES("..")) ? dots : NULL;
}

static bool target_is_plain(struct bytes path)
{
    return !memchr(path.data, '%', path.size) && !memchr(path.data, '\\', path.size);
}

static const char *check_path(struct bytes path)
{
    bool plain = target_is_plain(path);
    struct bytes segment;
    const char *bad;

    while (target_next_segment(&path, &segment)) {
        if (segment.size == 0 && path.size != 0)
            return "an empty segment in the path";
        if ((bad = plain ? check_plain_segment(segment) : check_segment(segment)))
            return bad;
    }
    return NULL;
}

// NULL: done. Path and query; `text` begins with `/`.
static const char *parse_origin(struct bytes text, struct target *target)
{
    target->has_query = bytes_cut(text, '?', &target->path, &target->query);
    return check_path(target->path);
}

static bool target_skip_nocase(struct bytes *text, struct bytes prefix)
{
    if (text->size < prefix.size || !bytes_equal_nocase(bytes_of(text->data, prefix.size), prefix))
        return false;
    *text = bytes_skip(*text, prefix.size);
    return true;
}

static const char *parse_absolute(struct bytes text, struct target *target)
{
    struct bytes authority = text;

    target->form = TARGET_ABSOLUTE;
    target->https = target_skip_nocase(&text, BYTES("https://"));
    if (!target->https && !target_skip_nocase(&text, BYTES("http://")))
        return "a target that is not a path, nor a URL of http or https";
    authority.data = text.data;
    authority.size = 0;
    while (authority.size < text.size && text.data[authority.size] != '/' && text.data[authority.size] != '?')
        authority.size++;
    text = bytes_skip(text, authority.size);
    if (!host_name_parse_authority(authority, target->https ? 443 : 80, &target->host, &target->port))
        return "a malformed host or port in the target, or user information";
    if (text.size != 0 && text.data[0] == '/')
        return parse_origin(text, target);
    target->path = BYTES("/");
    target->has_query = text.size != 0;
    target->query = text.size ? bytes_skip(text, 1) : text;
    return NULL;
}

static const char *parse(enum head_method method, struct bytes text, struct target *target)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || text.data[i] == '#')
            return "a byte in the target that it may not hold";
    }
    if (method == METHOD_CONNECT) {
        target->form = TARGET_AUTHORITY;
        return host_name_parse_authority(text, 0, &target->host, &target->port) ? NULL
                                                                                : "CONNECT to what is not host:port";
    }
    if (method == METHOD_OPTIONS && bytes_equal(text, BYTES("*"))) {
        target->form = TARGET_ASTERISK;
        return NULL;
    }
    if (text.size && text.data[0] == '/')
        return parse_origin(text, target);
    return parse_absolute(text, target);
}

bool target_parse(enum head_method method, struct bytes text, struct target *ret_target, const char **ret_bad)
{
    struct target target = {.form = TARGET_ORIGIN};
    const char *bad = parse(method, text, &target);

    if (bad) {
        if (ret_bad)
            *ret_bad = bad;
        return false;
    }
    *ret_target = target;
    return true;
}

bool target_next_segment(struct bytes *path, struct bytes *ret_segment)
{
    if (path->size == 0)
        return false;
    // What is left always begins with the slash before the next segment.
    *path = bytes_skip(*path, 1);
    (void)bytes_cut(*path, '/', ret_segment, &(struct bytes){0});
    *path = bytes_skip(*path, ret_segment->size);
    return true;
}
