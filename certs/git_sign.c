#include "git_sign.h"

#include "environment.h"
#include "mem.h"
#include "text.h"

// git up to 2.39 (and some later ones) makes an unsigned tag where its program fails with a positive status. It makes
// none where the program says that all is well and leaves no signature behind; but then git does not pass on what the
// program said, so it is written to git's own stderr. Everything but signing is ssh-keygen's.
static const char program[] =
    "case \"$1 $2\" in\n"
    "'-Y sign') ;;\n"
    "*) exec ssh-keygen \"$@\" ;;\n"
    "esac\n"
    "for buffer; do :; done\n"
    "if ! command -v ssh-keygen >/dev/null 2>&1; then\n"
    "    why='there is no ssh-keygen here; install OpenSSH (openssh-client)'\n"
    "elif said=$(ssh-keygen \"$@\" 2>&1 </dev/null) && [ -s \"$buffer.sig\" ]; then\n"
    "    exit 0\n"
    "elif [ \"${said#*No user exists for uid}\" != \"$said\" ]; then\n"
    "    why=\"uid $(id -u) has no name here, which ssh-keygen wants; add a line for it to /etc/passwd\"\n"
    "else\n"
    "    ssh-add -l >/dev/null 2>&1\n"
    "    if [ $? -eq 2 ]; then\n"
    "        why=\"the proxy does not answer at $SSH_AUTH_SOCK; start gitlatch again\"\n"
    "    else\n"
    "        why=\"the proxy's log and audit say why; ssh-keygen says: $said\"\n"
    "    fi\n"
    "fi\n"
    "why=\"gitlatch: nothing is signed: $why\"\n"
    "rm -f \"$buffer.sig\"\n"
    "first=\n"
    "read -r first _ <\"$buffer\"\n"
    "if [ \"$first\" = object ]; then\n"
    "    { echo \"$why\" >>/proc/$PPID/fd/2; } 2>/dev/null || { echo \"$why\" >/dev/tty; } 2>/dev/null\n"
    "    exit 0\n"
    "fi\n"
    "echo \"$why\" >&2\n"
    "exit 1\n";

char *git_sign_program_text(const char *directory)
{
    struct text text = {0};
    char *copy;

    text_append(&text, "#!/bin/sh\n"
                       "# git's gpg.ssh.program in a workspace of gitlatch, which holds the key.\n"
                       "SSH_AUTH_SOCK='");
    // Within single quotes a shell reads every byte as it is, but for the quote.
    for (; *directory; directory++) {
        if (*directory == '\'')
            text_append(&text, "'\\''");
        else
            text_append_char(&text, *directory);
    }
    text_append(&text, "/" ENVIRONMENT_AGENT_SOCKET "'\nexport SSH_AUTH_SOCK\n");
    text_append(&text, program);
    copy = mem_string(text_string(&text));
    text_free(&text);
    return copy;
}

char *git_sign_allowed_signers_text(const char *public_key)
{
    return mem_format("* namespaces=\"git\" %s\n", public_key);
}
