// Any bytes as a capability advertisement: what is one is packets of printable lines, begins with the version, and is
// none without its last byte or with one more.
#include "capabilities.h"

#include "fuzz.h"
#include "mem.h"
#include "pktline.h"

static void check_packets(struct bytes body)
{
    struct pktline_reader reader = {0};
    struct bytes packet;
    bool versioned = false;

    while (body.size) {
        enum pktline_result result = pktline_read(&reader, &body, &packet);

        FUZZ_CHECK(result == PKTLINE_DATA || result == PKTLINE_FLUSH);
        if (result == PKTLINE_FLUSH)
            continue;
        versioned |= bytes_start_with(packet, BYTES("version 2"));
        for (size_t i = 0; i < packet.size; i++)
            FUZZ_CHECK((packet.data[i] >= ' ' && packet.data[i] <= '~') ||
                       (packet.data[i] == '\n' && i == packet.size - 1));
    }
    FUZZ_CHECK(versioned);
    pktline_reader_clear(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes body = bytes_of((const char *)data, size);
    char *longer;

    if (!capabilities_check(body))
        return 0;
    FUZZ_CHECK(size >= 4 && size <= CAPABILITIES_SIZE_MAX);
    check_packets(body);
    FUZZ_CHECK(!capabilities_check(bytes_of(body.data, size - 1)));
    longer = mem_alloc(size + 1);
    memcpy(longer, data, size);
    longer[size] = '0';
    FUZZ_CHECK(!capabilities_check(bytes_of(longer, size + 1)));
    mem_free(longer);
    return 0;
}
