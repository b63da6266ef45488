#include "push_commands.h"

#include "mem.h"
#include "percent.h"
#include "pktline.h"

#define SHA1_ID_SIZE   40
#define SHA256_ID_SIZE 64

enum state {
    STATE_FRONT,    // shallow lines, then the first command
    STATE_COMMANDS, // further commands
    STATE_OPTIONS,  // push options
    STATE_PROBE,    // "0000" was all so far
    STATE_DONE,
    STATE_REFUSED,
};

// A command's ids and its ref stand one after the other in `store`.
struct place {
    size_t start;
    size_t ref_size;
};

struct push_commands {
    enum state state;
    struct pktline_reader reader;
    size_t size;    // bytes read
    size_t id_size; // SHA1_ID_SIZE, SHA256_ID_SIZE; 0: not known yet
    bool shallow;   // a shallow line was there
    struct push_capabilities capabilities;
    struct text store;
    struct place *places;
    size_t count;
    size_t capacity;
};

struct push_commands *push_commands_new(void)
{
    struct push_commands *commands = mem_alloc_zero(1, sizeof(*commands));

    commands->capabilities = (struct push_capabilities){.report_status = true, .side_band_64k = true};
    return commands;
}

void push_commands_free(struct push_commands *commands)
{
    if (!commands)
        return;
    pktline_reader_clear(&commands->reader);
    text_free(&commands->store);
    mem_free(commands->places);
    mem_free(commands);
}

static bool push_commands_malformed(struct verdict *verdict, const char *what)
{
    return verdict_set(verdict, REASON_PUSH_MALFORMED, "%s", what);
}

static bool id_valid(const struct push_commands *commands, struct bytes id)
{
    if (commands->id_size ? id.size != commands->id_size : id.size != SHA1_ID_SIZE && id.size != SHA256_ID_SIZE)
        return false;
    for (size_t i = 0; i < id.size; i++)
        if (percent_hex_value(id.data[i]) < 0)
            return false;
    return true;
}

static bool push_commands_id_zero(struct bytes id)
{
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] != '0')
            return false;
    return true;
}

static bool component_valid(struct bytes component)
{
    return component.size && component.data[0] != '.' && !bytes_end_with(component, BYTES(".lock"));
}

bool push_ref_valid(struct bytes ref)
{
    struct bytes rest = ref;
    struct bytes component;
    bool more = true;

    if (!bytes_start_with(ref, BYTES("refs/")) || ref.size > PUSH_REF_SIZE_MAX || bytes_end_with(ref, BYTES(".")))
        return false;
    for (size_t i = 0; i < ref.size; i++) {
        unsigned char c = (unsigned char)ref.data[i];
        char next = i + 1 < ref.size ? ref.data[i + 1] : '\0';

        if (c <= ' ' || c == 0x7f || strchr("~^:?*[\\", c) || (c == '.' && next == '.') || (c == '@' && next == '{'))
            return false;
    }
    while (more) {
        more = bytes_cut(rest, '/', &component, &rest);
        if (!component_valid(component))
            return false;
    }
    return true;
}

static void parse_capabilities(struct push_commands *commands, struct bytes words)
{
    struct push_capabilities *capabilities = &commands->capabilities;
    const struct {
        struct bytes word;
        bool *flag;
    } known[] = {
        {BYTES("report-status"), &capabilities->report_status},
        {BYTES("report-status-v2"), &capabilities->report_status_v2},
        {BYTES("side-band-64k"), &capabilities->side_band_64k},
        {BYTES("atomic"), &capabilities->atomic},
        {BYTES("push-options"), &capabilities->push_options},
    };
    struct bytes word;

    *capabilities = (struct push_capabilities){0};
    while (words.size) {
        bytes_cut(words, ' ', &word, &words);
        for (size_t i = 0; i < GL_ARRAY_SIZE(known); i++)
            if (bytes_equal(word, known[i].word))
                *known[i].flag = true;
    }
}

static bool add_command(struct push_commands *commands, struct bytes line, struct verdict *verdict)
{
    struct bytes old_id, new_id, ref;

    if (!bytes_cut(line, ' ', &old_id, &ref) || !bytes_cut(ref, ' ', &new_id, &ref) || !id_valid(commands, old_id))
        return push_commands_malformed(verdict, "a command of the push is not \"<old id> <new id> <ref>\"");
    commands->id_size = old_id.size;
    if (!id_valid(commands, new_id) || (push_commands_id_zero(old_id) && push_commands_id_zero(new_id)))
        return push_commands_malformed(verdict, "a command of the push has ids that git would not send");
    if (!push_ref_valid(ref))
        return push_commands_malformed(verdict, "a ref of the push has a name that git does not allow");
    if (commands->count == PUSH_COMMANDS_MAX)
        return verdict_set(verdict, REASON_PUSH_TOO_LARGE, "the push names more than %d refs", PUSH_COMMANDS_MAX);

    commands->places = mem_grow(commands->places, &commands->capacity, commands->count + 1, sizeof(*commands->places));
    commands->places[commands->count++] = (struct place){.start = commands->store.size, .ref_size = ref.size};
    text_append_bytes(&commands->store, old_id);
    text_append_bytes(&commands->store, new_id);
    text_append_bytes(&commands->store, ref);
    return true;
}

static bool add_shallow(struct push_commands *commands, struct bytes id, struct verdict *verdict)
{
    if (!id_valid(commands, id))
        return push_commands_malformed(verdict, "a shallow line of the push names no id");
    commands->id_size = id.size;
    commands->shallow = true;
    return true;
}

// The first command carries the capabilities; shallow lines come before it.
static bool read_front(struct push_commands *commands, struct bytes line, struct verdict *verdict)
{
    struct bytes command, words;

    if (bytes_start_with(line, BYTES("shallow ")))
        return add_shallow(commands, bytes_skip(line, BYTES("shallow ").size), verdict);
    bytes_cut(line, '\0', &command, &words);
    parse_capabilities(commands, words);
    if (bytes_equal(command, BYTES("push-cert")))
        return verdict_set(verdict, REASON_PUSH_CERTIFICATE, NULL);
    commands->state = STATE_COMMANDS;
    return add_command(commands, command, verdict);
}

static int push_commands_compare_refs(const void *a, const void *b)
{
    const struct bytes *left = a;
    const struct bytes *right = b;
    size_t size = left->size < right->size ? left->size : right->size;
    int order = memcmp(left->data, right->data, size);

    return order ? order : (left->size > right->size) - (left->size < right->size);
}

// Of two commands for one ref, nobody knows which one GitHub takes.
static bool refs_unique(const struct push_commands *commands)
{
    struct bytes *refs = mem_alloc_zero(commands->count, sizeof(*refs));
    bool unique = true;

    for (size_t i = 0; i < commands->count; i++)
        refs[i] = push_commands_at(commands, i).ref;
    qsort(refs, commands->count, sizeof(*refs), push_commands_compare_refs);
    for (size_t i = 1; i < commands->count && unique; i++)
        unique = !bytes_equal(refs[i - 1], refs[i]);
    mem_free(refs);
    return unique;
}

static bool read_flush(struct push_commands *commands, struct verdict *verdict)
{
    switch (commands->state) {
    case STATE_FRONT:
        if (commands->shallow)
            return push_commands_malformed(verdict, "the push has no command");
        commands->state = STATE_PROBE;
        return true;
    case STATE_COMMANDS:
        if (!refs_unique(commands))
            return push_commands_malformed(verdict, "a ref is named twice in the push");
        commands->state = commands->capabilities.push_options ? STATE_OPTIONS : STATE_DONE;
        return true;
    default:
        commands->state = STATE_DONE;
        return true;
    }
}

static bool read_line(struct push_commands *commands, struct bytes line, struct verdict *verdict)
{
    if (bytes_end_with(line, BYTES("\n")))
        line.size--;
    if (commands->state == STATE_FRONT)
        return read_front(commands, line, verdict);
    if (commands->state == STATE_COMMANDS)
        return add_command(commands, line, verdict);
    return true; // what a push option says is between the client and GitHub
}

// False: refused.
static bool read_packet(struct push_commands *commands, enum pktline_result packet, struct bytes line,
                        struct verdict *verdict)
{
    if (commands->size > PUSH_COMMANDS_SIZE_MAX)
        return verdict_set(verdict, REASON_PUSH_TOO_LARGE, "the commands of the push take more than %zu MiB",
                           PUSH_COMMANDS_SIZE_MAX / MIB);
    if (packet == PKTLINE_DATA)
        return read_line(commands, line, verdict);
    if (packet == PKTLINE_FLUSH)
        return read_flush(commands, verdict);
    return push_commands_malformed(verdict, "the push is not in git's packet format");
}

enum push_commands_result push_commands_feed(struct push_commands *commands, struct bytes *input,
                                             struct verdict *ret_verdict)
{
    while (commands->state < STATE_PROBE) {
        size_t before = input->size;
        struct bytes line = {0};
        enum pktline_result packet = pktline_read(&commands->reader, input, &line);

        commands->size += before - input->size;
        if (packet == PKTLINE_MORE)
            return PUSH_COMMANDS_MORE;
        if (!read_packet(commands, packet, line, ret_verdict))
            commands->state = STATE_REFUSED;
    }
    if (commands->state == STATE_PROBE && input->size) {
        push_commands_malformed(ret_verdict, "bytes follow a flush that no command came before");
        commands->state = STATE_REFUSED;
    }
    return commands->state == STATE_REFUSED ? PUSH_COMMANDS_REFUSED : PUSH_COMMANDS_DONE;
}

bool push_commands_end(const struct push_commands *commands, struct verdict *ret_verdict)
{
    if (commands->state >= STATE_PROBE)
        return true;
    return push_commands_malformed(ret_verdict, "the push ended before its commands did");
}

bool push_commands_is_probe(const struct push_commands *commands)
{
    return commands->state == STATE_PROBE;
}

bool push_commands_pack_follows(const struct push_commands *commands)
{
    for (size_t i = 0; i < commands->count; i++)
        if (push_commands_at(commands, i).change != REF_DELETE)
            return true;
    return false;
}

size_t push_commands_count(const struct push_commands *commands)
{
    return commands->count;
}

struct push_command push_commands_at(const struct push_commands *commands, size_t index)
{
    const struct place *place = &commands->places[index];
    const char *start = commands->store.data + place->start;
    struct push_command command = {
        .old_id = bytes_of(start, commands->id_size),
        .new_id = bytes_of(start + commands->id_size, commands->id_size),
        .ref = bytes_of(start + 2 * commands->id_size, place->ref_size),
        .change = REF_UPDATE,
    };

    if (push_commands_id_zero(command.new_id))
        command.change = REF_DELETE;
    else if (push_commands_id_zero(command.old_id))
        command.change = REF_CREATE;
    return command;
}

const struct push_capabilities *push_commands_capabilities(const struct push_commands *commands)
{
    return &commands->capabilities;
}
