#include "key_shape.h"

#include <ctype.h>
#include <string.h>

#include <gitlatch/attr.h>

// RFC 7468: lines of 64 letters between the two labels.
#define REFOLD   "sed -E 's/-----[A-Z ]+-----/\\n&\\n/g' KEY | sed -E '/-----/!{s/ //g;s/.{64}/&\\n/g}' | grep . >PLAIN"
#define UNESCAPE "sed -E 's/(\\\\r)?\\\\n/\\n/g' KEY | tr -d \"\\\"'\" >PLAIN"

static bool key_shape_holds(struct bytes text, const char *word)
{
    return bytes_contain(text, bytes_of_string(word));
}

static bool key_shape_begins(struct bytes text, const char *word)
{
    return bytes_start_with(text, bytes_of_string(word));
}

static bool is_armored(struct bytes file)
{
    return key_shape_holds(file, "-----BEGIN ");
}

static bool is_utf16(struct bytes file)
{
    return key_shape_begins(file, "\xff\xfe") || key_shape_begins(file, "\xfe\xff");
}

// ASN.1 (X.690): a SEQUENCE whose length takes two bytes, as that of each RSA key does.
static bool is_der(struct bytes file)
{
    return key_shape_begins(file, "\x30\x82");
}

static bool is_public(struct bytes file)
{
    return key_shape_holds(file, "PUBLIC KEY-----") || key_shape_begins(file, "ssh-") ||
           key_shape_begins(file, "ecdsa-");
}

static bool is_certificate(struct bytes file)
{
    return key_shape_holds(file, "-----BEGIN CERTIFICATE");
}

static bool is_openssh(struct bytes file)
{
    return key_shape_holds(file, "-----BEGIN OPENSSH PRIVATE KEY-----");
}

static bool is_escaped(struct bytes file)
{
    return is_armored(file) && key_shape_holds(file, "\\n");
}

static bool is_quoted(struct bytes file)
{
    return is_armored(file) && (file.data[0] == '"' || file.data[0] == '\'');
}

static bool is_cut(struct bytes file)
{
    return is_armored(file) && !key_shape_holds(file, "-----END ");
}

static bool is_one_line(struct bytes file)
{
    return is_armored(file) && !memchr(file.data, '\n', file.size);
}

static bool is_indented(struct bytes file)
{
    return is_armored(file) && (key_shape_holds(file, "\n ") || key_shape_holds(file, "\n\t"));
}

// "-----BEGIN" in base64, whatever follows.
static bool is_armor_in_base64(struct bytes file)
{
    return key_shape_begins(file, "LS0tLS1CRUdJTi");
}

// A DER key in base64, which is a PEM file without its first and last line.
static bool is_der_in_base64(struct bytes file)
{
    return key_shape_begins(file, "MII");
}

static bool is_token(struct bytes file)
{
    return key_shape_begins(file, "ghp_") || key_shape_begins(file, "gho_") || key_shape_begins(file, "ghs_") ||
           key_shape_begins(file, "github_pat_");
}

static bool is_secret_of_client(struct bytes file)
{
    for (size_t i = 0; i < file.size; i++) {
        if (!isxdigit((unsigned char)file.data[i]))
            return false;
    }
    return file.size == 40;
}

struct key_shape {
    bool (*fits)(struct bytes file);
    const char *advice;
};

// The first that fits. Quotes and escapes often come together: one command mends both.
static const struct key_shape shapes[] = {
    {is_utf16, "the key is UTF-16 text, as an editor of Windows writes it; mend it with: "
               "iconv -f UTF-16 -t UTF-8 KEY >PLAIN"},
    {is_der, "the key is in binary form (DER); mend it with: openssl pkey -inform DER -in KEY -out PLAIN"},
    {is_public, "this is a public key; a GitHub App signs with its private key: make one in the App's settings"},
    {is_certificate, "this is a certificate; a GitHub App signs with its private key: make one in the App's settings"},
    {is_openssh, "the key is in OpenSSH's form; mend it with: cp KEY PLAIN && chmod 600 PLAIN && "
                 "ssh-keygen -q -p -m PEM -P '' -N '' -f PLAIN"},
    {is_escaped, "the key's line ends are written as \\n; mend it with: " UNESCAPE},
    {is_quoted, "the key is in quotes; mend it with: tr -d \"\\\"'\" <KEY >PLAIN"},
    {is_cut, "the key is cut off: its last line (\"-----END …\") is missing; copy it again, whole"},
    {is_one_line, "the key is on one line; mend it with: " REFOLD},
    {is_indented, "the key's lines are indented; mend it with: sed 's/^[[:space:]]*//' KEY >PLAIN"},
    {is_armor_in_base64, "the key is encoded in base64 once more; mend it with: base64 -di KEY >PLAIN"},
    {is_der_in_base64, "the key lacks its first and last line (\"-----BEGIN …\", \"-----END …\"); mend it with: "
                       "base64 -di KEY | openssl pkey -inform DER -out PLAIN"},
    {is_token, "this is a token, not a key; use it with a credential of type file, or make a key in the App's "
               "settings"},
    {is_secret_of_client, "this looks like the App's client secret; it signs with its private key: make one in the "
                          "App's settings"},
};

const char *key_shape_advice(struct bytes file)
{
    for (size_t i = 0; i < GL_ARRAY_SIZE(shapes); i++) {
        if (shapes[i].fits(file))
            return shapes[i].advice;
    }
    return "there is no private key in PEM form (\"-----BEGIN RSA PRIVATE KEY-----\"); download one from the App's "
           "settings";
}
