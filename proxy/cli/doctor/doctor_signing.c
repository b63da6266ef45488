#include "doctor_signing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent_message.h"
#include "doctor_program.h"
#include "ed25519_key.h"
#include "environment.h"
#include "mem.h"
#include "text.h"

#define WHAT "signing"
// gpg.ssh.program, as it is published.
#define SIGN_PROGRAM "/ssh-sign"

// git-config(1), "gpg.format" and "gpg.ssh.allowedSignersFile": git 2.34 signs with SSH keys, and needs ssh-keygen of OpenSSH
// 8.2 or later. That of 8.7 does not sign (GitLab's documentation, "Sign commits with SSH keys").
#define GIT_MAJOR        2
#define GIT_MINOR        34
#define SSH_MAJOR        8
#define SSH_MINOR        2
#define SSH_BROKEN_MINOR 7

struct version {
    int major, minor;
};

static bool is_older(const struct version *version, int major, int minor)
{
    return version->major < major || (version->major == major && version->minor < minor);
}

// The last value counts; NULL: there is none.
static const char *find_value(const struct doctor *doctor, const char *key)
{
    const char *value = NULL;

    for (size_t i = 0; i < doctor->git.count; i++) {
        if (strcmp(doctor->git.settings[i].key, key) == 0)
            value = doctor->git.settings[i].value;
    }
    return value;
}

static bool value_is(const char *value, const char *wanted)
{
    return value && strcmp(value, wanted) == 0;
}

static bool is_true(const char *value)
{
    return value_is(value, "true") || value_is(value, "yes") || value_is(value, "on") || value_is(value, "1");
}

// Runs `argv` and reads the numbers behind `before`. False: it printed none.
static bool find_version(const char *const *argv, const char *before, struct version *ret_version)
{
    const struct doctor_program program = {.argv = argv};
    struct text output = {0};
    const char *start = NULL;
    int status = 1;
    bool found;

    if (doctor_program_run(&program, DOCTOR_TIMEOUT_MS, &output, &status) == DOCTOR_PROGRAM_EXITED && status == 0)
        start = strstr(text_string(&output), before);
    found = start && sscanf(start + strlen(before), "%d.%d", &ret_version->major, &ret_version->minor) == 2;
    text_free(&output);
    return found;
}

static bool examine_git_version(struct doctor *doctor)
{
    static const char *const argv[] = {"git", "--version", NULL};
    struct version version;

    if (!find_version(argv, "git version ", &version) || !is_older(&version, GIT_MAJOR, GIT_MINOR))
        return true;
    doctor_wrong(doctor, WHAT,
                 "git %d.%d cannot sign with SSH keys, which needs 2.34 or later" FINDING_MEND "install a newer git",
                 version.major, version.minor);
    return false;
}

static bool examine_openssh(struct doctor *doctor)
{
    static const char *const argv[] = {"ssh", "-V", NULL};
    struct version version;

    if (!doctor_program_is_found("ssh-keygen")) {
        doctor_wrong(doctor, WHAT,
                     "there is no ssh-keygen, with which git signs" FINDING_MEND "install OpenSSH (openssh-client)");
        return false;
    }
    if (!doctor_program_is_found("ssh") || !find_version(argv, "OpenSSH_", &version) ||
        (!is_older(&version, SSH_MAJOR, SSH_MINOR) &&
         (version.major != SSH_MAJOR || version.minor != SSH_BROKEN_MINOR)))
        return true;
    doctor_wrong(doctor, WHAT,
                 "OpenSSH %d.%d cannot sign commits as git needs it" FINDING_MEND
                 "install 8.8 or later (8.2 to 8.6 do)",
                 version.major, version.minor);
    return false;
}

// Asks the agent for its keys. Negative: the answer did not come, and errno says why.
static ssize_t ask_agent(const char *path, char *answer, size_t size)
{
    static const char question[] = {0, 0, 0, 1, 11}; // SSH_AGENTC_REQUEST_IDENTITIES
    const struct timeval wait = {.tv_sec = DOCTOR_TIMEOUT_MS / SECOND_MS};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), code;
    ssize_t got = -1;

    if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path))
        errno = ENAMETOOLONG;
    else if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0 &&
             connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
             send(fd, question, sizeof(question), MSG_NOSIGNAL) == sizeof(question))
        got = recv(fd, answer, size, 0);
    code = errno;
    if (fd >= 0)
        close(fd);
    errno = code;
    return got;
}

// Whether the agent lists the key that git's configuration names.
static bool examine_agent(struct doctor *doctor, const char *directory, const struct ed25519_public *key)
{
    char *path = mem_format("%s/" ENVIRONMENT_AGENT_SOCKET, directory);
    struct text expected = {0};
    char answer[512];
    ssize_t got = ask_agent(path, answer, sizeof(answer));
    bool same;

    agent_message_append_list(&expected, key);
    same = got > 0 && bytes_equal(bytes_of(answer, (size_t)got), text_bytes(&expected));
    if (got < 0)
        doctor_wrong(doctor, WHAT,
                     "the agent at %s does not answer: %s" FINDING_MEND
                     "start gitlatch again, and let the workspace see its `ca.publish`",
                     path, strerrordesc_np(errno));
    else if (!same)
        doctor_wrong(doctor, WHAT,
                     "the agent at %s has another key than git's user.signingKey" FINDING_MEND
                     "take user.signingKey out of your own configuration",
                     path);
    text_free(&expected);
    mem_free(path);
    return same;
}

// What only GitHub knows: who has registered the key. Its documentation: "About commit signature verification",
// "Displaying verification statuses for all of your commits".
static void note_account(struct doctor *doctor, const char *key)
{
    const char *email = getenv("GIT_COMMITTER_EMAIL");

    if (!email || !*email)
        email = find_value(doctor, "user.email");
    if (!email || !*email)
        doctor_note(doctor, WHAT,
                    "git has no user.email; for *Verified* at GitHub it must be a verified address of the account that "
                    "has registered the key");
    doctor_note(
        doctor, WHAT,
        "GitHub shows *Verified* if an account has registered %s as a *signing* key (Settings, SSH and GPG keys; an "
        "authentication key does not count) and has %s as a verified address; a GitHub App has no keys: take a "
        "machine user's account",
        key, email && *email ? email : "the committer's email");
}

// Where git is set up by the published gitconfig; given to mem_free. NULL: it is not.
static char *find_directory(const struct doctor *doctor)
{
    const char *program = find_value(doctor, "gpg.ssh.program");
    struct bytes path = bytes_of_string(program ? program : "");

    if (!value_is(find_value(doctor, "gpg.format"), "ssh") || !bytes_end_with(path, BYTES(SIGN_PROGRAM)))
        return NULL;
    path.size -= sizeof(SIGN_PROGRAM) - 1;
    return mem_bytes_string(path);
}

static void examine_unset(struct doctor *doctor)
{
    char *path = mem_format("%s/" ENVIRONMENT_AGENT_SOCKET, doctor->published ? doctor->published : "");

    if (doctor->published && access(path, F_OK) == 0)
        doctor_wrong(
            doctor, WHAT,
            "gitlatch signs commits here, but git is not set up for it" FINDING_MEND
            "`git config --global include.path %s/gitconfig`, and take gpg.format and gpg.ssh.program out of your own configuration",
            doctor->published);
    mem_free(path);
}

static void examine_set(struct doctor *doctor, const char *directory)
{
    const char *line = find_value(doctor, "user.signingkey");
    struct ed25519_public key;
    struct error error;

    if (!line || !ed25519_public_read(bytes_of_string(line), &key, &error)) {
        doctor_wrong(doctor, WHAT,
                     "git's user.signingKey is not gitlatch's" FINDING_MEND "take it out of your own configuration");
        return;
    }
    if (!examine_git_version(doctor) || !examine_openssh(doctor) || !examine_agent(doctor, directory, &key))
        return;
    if (is_true(find_value(doctor, "commit.gpgsign")))
        doctor_ok(doctor, WHAT, "commits are signed; gitlatch's agent holds the key");
    else
        doctor_wrong(doctor, WHAT,
                     "commits are not signed: git's commit.gpgSign is not true" FINDING_MEND
                     "take it out of your own configuration");
    note_account(doctor, line);
}

void doctor_examine_signing(struct doctor *doctor)
{
    char *directory = find_directory(doctor);

    if (directory)
        examine_set(doctor, directory);
    else
        examine_unset(doctor);
    mem_free(directory);
}
