// Files, refs and commits of a repository, through git.
#include "api.h"

#include <openssl/evp.h>

#include "git_command.h"

#define NOT_FOUND "Not Found"

// Base64 with a newline after each 60 characters, as the API writes it; owned by the caller.
static char *encode(const struct mock_text *content)
{
    unsigned char *whole = mock_text_allocate(4 * (content->size / 3 + 1) + 1);
    int size = EVP_EncodeBlock(whole, (const unsigned char *)mock_text_string(content), (int)content->size);
    struct mock_text lines = {0};

    mock_text_add_string(&lines, "");
    for (int at = 0; at < size; at += 60)
        mock_text_printf(&lines, "%.60s\n", (const char *)whole + at);
    free(whole);
    return lines.data;
}

// Decodes base64, newlines in it or not. False where it is malformed.
static bool decode(const char *encoded, struct mock_text *content)
{
    struct mock_text plain = {0};
    unsigned char *raw;
    int size;

    mock_text_add_string(&plain, "");
    for (; *encoded; encoded++) {
        if (*encoded != '\n' && *encoded != '\r')
            mock_text_add(&plain, encoded, 1);
    }
    raw = mock_text_allocate(plain.size + 4);
    size = EVP_DecodeBlock(raw, (const unsigned char *)plain.data, (int)plain.size);
    for (size_t i = plain.size; size > 0 && i > 0 && plain.data[i - 1] == '='; i--)
        size--;
    if (size >= 0)
        mock_text_add(content, raw, (size_t)size);
    free(raw);
    mock_text_free(&plain);
    return size >= 0;
}

// The commit that a name stands for, owned by the caller; NULL: none.
static char *resolve(const struct repository *repository, const char *name)
{
    char *peeled = mock_text_format("%s^{commit}", name);
    char *commit = git_command_line(repository->directory,
                                    GIT_ARGUMENTS("rev-parse", "-q", "--verify", "--end-of-options", peeled));

    free(peeled);
    return commit;
}

static json_t *describe_file(const struct api_request *request, const char *path, const char *oid,
                             const struct mock_text *content)
{
    const char *base = request->call->host->api_url;
    char *name = world_full_name(request->repository);
    char *encoded = encode(content);
    const char *slash = strrchr(path, '/');
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:s,s:o,s:o}", "type", "file", "name", slash ? slash + 1 : path,
                             "path", path, "sha", oid, "size", (json_int_t)content->size, "encoding", "base64",
                             "content", encoded, "url", json_sprintf("%s/repos/%s/contents/%s", base, name, path),
                             "git_url", json_sprintf("%s/repos/%s/git/blobs/%s", base, name, oid));

    free(encoded);
    free(name);
    return json;
}

// One line of ls-tree: "mode type oid\tname".
static json_t *describe_entry(const struct api_request *request, struct bytes line)
{
    char *text = mock_text_copy_bytes(line);
    char type[16];
    char oid[80];
    char *path = strchr(text, '\t');
    json_t *json = NULL;

    if (path && sscanf(text, "%*s %15s %79s", type, oid) == 2) {
        const char *slash = strrchr(++path, '/');

        json = json_pack("{s:s,s:s,s:s,s:s}", "type", strcmp(type, "tree") == 0 ? "dir" : "file", "name",
                         slash ? slash + 1 : path, "path", path, "sha", oid);
    }
    free(text);
    return json;
}

static json_t *list_directory(const struct api_request *request, const char *commit, const char *path)
{
    char *folder = mock_text_format("%s%s", path, *path ? "/" : "");
    struct mock_text output = {0};
    struct bytes rest;
    struct bytes line;
    json_t *list = json_array();

    git_command_run(request->repository->directory,
                    *folder ? GIT_ARGUMENTS("ls-tree", commit, "--", folder) : GIT_ARGUMENTS("ls-tree", commit), NULL,
                    &output);
    rest = bytes_of(output.data, output.size);
    while (bytes_cut(rest, '\n', &line, &rest))
        json_array_append_new(list, describe_entry(request, line));
    mock_text_free(&output);
    free(folder);
    return list;
}

static void give_content(const struct api_request *request, struct api_answer *answer, const char *path)
{
    const char *accept = call_header(request->call, "Accept");
    char *reference = call_query(request->call, "ref");
    char *commit = resolve(request->repository, reference ? reference : "HEAD");
    char *object = mock_text_format("%s:%s", commit ? commit : "", path);
    char *oid = git_command_line(request->repository->directory, GIT_ARGUMENTS("rev-parse", "-q", "--verify", object));
    char *type = oid ? git_command_line(request->repository->directory, GIT_ARGUMENTS("cat-file", "-t", oid)) : NULL;
    struct mock_text content = {0};

    if (type && strcmp(type, "blob") == 0)
        git_command_run(request->repository->directory, GIT_ARGUMENTS("cat-file", "blob", oid), NULL, &content);
    if (!commit || !type) {
        api_fail(answer, 404, NOT_FOUND);
    } else if (strcmp(type, "tree") == 0) {
        api_give(answer, 200, list_directory(request, commit, path));
    } else if (accept && strstr(accept, "raw")) {
        answer->status = 200;
        answer->type = "application/vnd.github.raw; charset=utf-8";
        mock_text_add(&answer->raw, content.data, content.size);
    } else {
        api_give(answer, 200, describe_file(request, path, oid, &content));
    }
    mock_text_free(&content);
    free(type);
    free(oid);
    free(object);
    free(commit);
    free(reference);
}

void api_get_content(const struct api_request *request, struct api_answer *answer)
{
    char *path = call_path_from(request->call, request->rest + 1);

    give_content(request, answer, path);
    free(path);
}

void api_get_readme(const struct api_request *request, struct api_answer *answer)
{
    give_content(request, answer, "README.md");
}

// Writes a tree that is the parent's with one file more; owned by the caller.
static char *write_tree(const struct repository *repository, const char *parent, const char *path,
                        const struct mock_text *content)
{
    char *index = mock_text_format("GIT_INDEX_FILE=%s/mock-index", repository->directory);
    const char *const extra[] = {index, NULL};
    struct mock_text oid = {0};
    struct mock_text tree = {0};
    char *entry = NULL;

    if (git_command_run(repository->directory, GIT_ARGUMENTS("hash-object", "-w", "--stdin"), content, &oid)) {
        oid.data[strcspn(oid.data, "\n")] = '\0';
        entry = mock_text_format("100644,%s,%s", oid.data, path);
        git_command_run_with(repository->directory, GIT_ARGUMENTS("read-tree", parent ? parent : "--empty"), extra,
                             NULL, NULL);
        if (git_command_run_with(repository->directory, GIT_ARGUMENTS("update-index", "--add", "--cacheinfo", entry),
                                 extra, NULL, NULL))
            git_command_run_with(repository->directory, GIT_ARGUMENTS("write-tree"), extra, NULL, &tree);
    }
    if (tree.data)
        tree.data[strcspn(tree.data, "\n")] = '\0';
    mock_text_free(&oid);
    free(entry);
    free(index);
    return tree.data;
}

// Commits the file to the branch; the new commit, owned by the caller, NULL where git refused.
static char *commit_file(const struct repository *repository, const char *branch, const char *path, const char *message,
                         const struct mock_text *content)
{
    char *ref = mock_text_format("refs/heads/%s", branch);
    char *parent = resolve(repository, ref);
    char *tree = write_tree(repository, parent, path, content);
    char *commit = NULL;

    if (tree && *tree)
        commit = git_command_line(repository->directory,
                                  parent ? GIT_ARGUMENTS("commit-tree", tree, "-m", message, "-p", parent)
                                         : GIT_ARGUMENTS("commit-tree", tree, "-m", message));
    if (commit && !git_command_run(repository->directory, GIT_ARGUMENTS("update-ref", ref, commit), NULL, NULL)) {
        free(commit);
        commit = NULL;
    }
    free(tree);
    free(parent);
    free(ref);
    return commit;
}

void api_put_content(const struct api_request *request, struct api_answer *answer)
{
    char *path = call_path_from(request->call, request->rest + 1);
    const char *message = api_string(request, "message");
    const char *encoded = api_string(request, "content");
    const char *asked = api_string(request, "branch");
    char *branch = asked ? mock_text_copy(asked) : world_default_branch(request->repository);
    bool workflow = strncmp(path, ".github/workflows/", 18) == 0;
    struct mock_text content = {0};
    char *commit;

    if (workflow && principal_access(&request->who, request->repository, "workflows", 2) != ACCESS_YES) {
        api_fail(answer, 403, "Resource not accessible by integration");
    } else if (!message || !encoded || !decode(encoded, &content)) {
        api_fail(answer, 422, "Invalid request.\n\n\"message\" and \"content\" weren't supplied.");
    } else {
        commit = commit_file(request->repository, branch, path, message, &content);
        if (commit)
            api_give(answer, 201,
                     json_pack("{s:{s:s},s:{s:s,s:s}}", "content", "path", path, "commit", "sha", commit, "message",
                               message));
        else
            api_fail(answer, 409, "The file could not be committed.");
        free(commit);
    }
    mock_text_free(&content);
    free(branch);
    free(path);
}
