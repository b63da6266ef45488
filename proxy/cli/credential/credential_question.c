#include "credential_question.h"

#include <stdint.h>

#define HTTPS_PORT 443

struct attributes {
    struct bytes protocol;
    struct bytes host; // with its port
    struct bytes path;
};

// A name that is not known is passed over, as git asks of a helper; of one that comes twice the last counts.
static void read_attributes(struct bytes input, struct attributes *attributes)
{
    struct bytes line, name, value;
    bool more = true;

    while (more) {
        more = bytes_cut(input, '\n', &line, &input);
        if (line.size == 0)
            return;
        bytes_cut(line, '=', &name, &value);
        if (bytes_equal(name, BYTES("protocol")))
            attributes->protocol = value;
        else if (bytes_equal(name, BYTES("host")))
            attributes->host = value;
        else if (bytes_equal(name, BYTES("path")))
            attributes->path = value;
    }
}

// Servers and clients resolve dot segments: what follows them may be another repository.
static bool has_dot_segment(struct bytes path)
{
    struct bytes segment;
    bool more = true;

    while (more) {
        more = bytes_cut(path, '/', &segment, &path);
        if (bytes_equal(segment, BYTES(".")) || bytes_equal(segment, BYTES("..")))
            return true;
    }
    return false;
}

// What follows the repository (`info/lfs`) is git-lfs's own.
static bool credential_question_parse_path(struct bytes path, struct repository_name *ret_name)
{
    struct bytes owner, name, rest, plain;
    struct repository_name parsed;

    while (bytes_start_with(path, BYTES("/")))
        path = bytes_skip(path, 1);
    bytes_cut(path, '/', &owner, &rest);
    bytes_cut(rest, '/', &name, &rest);
    if (has_dot_segment(rest) || !repository_name_parse(owner, name, &parsed))
        return false;
    plain = bytes_of_string(parsed.name);
    if (bytes_end_with(plain, BYTES(".wiki")) && plain.size > BYTES(".wiki").size)
        parsed.name[plain.size - BYTES(".wiki").size] = '\0';
    *ret_name = parsed;
    return true;
}

bool credential_question_parse(struct bytes input, struct credential_question *ret_question, struct error *ret_error)
{
    struct attributes attributes = {0};
    struct credential_question question;
    uint16_t port;

    read_attributes(input, &attributes);
    if (!bytes_equal(attributes.protocol, BYTES("https")))
        return error_set(ret_error, "a token is given for https alone, not for \"%.*s\"",
                         (int)(attributes.protocol.size < 20 ? attributes.protocol.size : 20),
                         attributes.protocol.size ? attributes.protocol.data : "");
    if (!host_name_parse_authority(attributes.host, HTTPS_PORT, &question.host, &port) || port != HTTPS_PORT)
        return error_set(ret_error, "the host is not one of GitHub's");
    if (attributes.path.size == 0)
        return error_set(ret_error,
                         "git does not tell the repository; set it with "
                         "`git config --global credential.https://%s.useHttpPath true`",
                         question.host.text);
    if (!credential_question_parse_path(attributes.path, &question.repository))
        return error_set(ret_error, "the path names no repository of the form OWNER/NAME");
    *ret_question = question;
    return true;
}
