// Octokit's App authentication against the mock, and the mock's answers against GitHub's own description of its API.
import assert from "node:assert/strict";
import {spawn} from "node:child_process";
import {mkdtempSync, readFileSync, rmSync, existsSync} from "node:fs";
import {createRequire} from "node:module";
import https from "node:https";
import {tmpdir} from "node:os";
import {join} from "node:path";
import {after, before, test} from "node:test";
import {setTimeout as sleep} from "node:timers/promises";

const modules = createRequire(join(process.env.GITLATCH_JUDGE_CACHE, "package.json"));
const {createAppAuth} = await import(modules.resolve("@octokit/auth-app"));
const {request} = await import(modules.resolve("@octokit/request"));
const Ajv = modules("ajv").default;
const description = modules("@octokit/openapi/generated/api.github.com.json");

const WIDGETS = {owner: "acme", repo: "widgets"};
const state = mkdtempSync(join(tmpdir(), "gitlatch-judge-"));
let mock, ports, authentication, octokit;

// What Octokit fetches with: GitHub's names lead to the mock, whose CA alone is trusted.
function fetchFromMock(url, {method = "GET", headers = {}, body} = {}) {
    const {hostname, pathname, search} = new URL(url);
    return new Promise((resolve, reject) => {
        const asked = https.request({
            host: "127.0.0.1", port: ports.MOCK_GITHUB_PORT, servername: hostname, ca: readFileSync(join(state, "ca.pem")),
            method, path: pathname + search, headers: {...headers, host: hostname}, agent: false,
        }, async (answer) => {
            const parts = [];
            for await (const part of answer) parts.push(part);
            const empty = [204, 304].includes(answer.statusCode);
            const response = new Response(empty ? null : Buffer.concat(parts), {
                status: answer.statusCode, headers: Object.entries(answer.headers).map(([name, value]) => [name, String(value)])});
            Object.defineProperty(response, "url", {value: url});
            resolve(response);
        });
        asked.on("error", reject);
        asked.end(body);
    });
}

async function control(path, body) {
    const answer = await fetch(`http://127.0.0.1:${ports.MOCK_GITHUB_CONTROL_PORT}${path}`,
        {method: "POST", body: JSON.stringify(body)});
    assert.ok(answer.ok, await answer.text());
}

before(async () => {
    const portFile = join(state, "ports");
    mock = spawn(process.env.MOCK_GITHUB_BIN, ["--quiet", "--state", state, "--port-file", portFile], {stdio: "ignore"});
    for (let tries = 0; tries < 600 && !existsSync(portFile); tries++) await sleep(100);
    ports = Object.fromEntries(readFileSync(portFile, "utf8").trim().split("\n").map((line) => line.split("=")));
    const plain = request.defaults({request: {fetch: fetchFromMock}});
    authentication = createAppAuth({
        appId: 12345, privateKey: readFileSync(join(state, "app.pem"), "utf8"), request: plain,
        log: {...console, warn() {}}});
    octokit = plain.defaults({request: {hook: authentication.hook}});
});

after(() => {
    mock?.kill();
    rmSync(state, {recursive: true, force: true});
});

test("Octokit mints a token for one repository and one permission", async () => {
    const token = await authentication({
        type: "installation", installationId: 700001, repositoryNames: ["widgets"], permissions: {contents: "read"}});
    assert.deepEqual(token.permissions, {contents: "read", metadata: "read"});
    assert.deepEqual(token.repositoryNames, ["widgets"]);
    assert.equal(token.repositorySelection, "selected");
    assert.ok(token.token.length > 500 && /^ghs_[A-Za-z0-9._-]+$/.test(token.token));
    assert.ok(Math.abs(new Date(token.expiresAt) - Date.now() - 3600e3) < 120e3);
});

test("Octokit takes the mock's word for a clock that is off, and signs again", async () => {
    for (const offset of [900, -900]) {
        await control("/settings", {clock_offset: offset});
        assert.equal((await octokit("GET /app")).data.slug, "gitlatch-mock");
    }
    await control("/settings", {clock_offset: 0});
});

test("Octokit waits until a fresh token has reached all of GitHub", async () => {
    await control("/settings", {replication_lag_ms: 1500});
    const auth = createAppAuth({
        appId: 12345, installationId: 700001, privateKey: readFileSync(join(state, "app.pem"), "utf8"),
        request: request.defaults({request: {fetch: fetchFromMock}}), log: {...console, warn() {}}});
    const fresh = request.defaults({request: {fetch: fetchFromMock, hook: auth.hook}});
    assert.equal((await fresh("GET /repos/{owner}/{repo}", WIDGETS)).data.full_name, "acme/widgets");
    await control("/settings", {replication_lag_ms: 0});
});

// Each route as the description names it, in an order in which the later ones find what the earlier ones made.
const ROUTES = [
    ["GET /app", {}], ["GET /app/installations", {}], ["GET /app/installations/{installation_id}", {installation_id: 700001}],
    ["POST /app/installations/{installation_id}/access_tokens", {installation_id: 700001, repositories: ["widgets"]}],
    ["GET /repos/{owner}/{repo}/installation", WIDGETS], ["GET /orgs/{org}/installation", {org: "acme"}],
    ["GET /users/{username}/installation", {username: "octocat"}],
    ["GET /installation/repositories", {}], ["GET /rate_limit", {}], ["GET /meta", {}],
    ["GET /orgs/{org}", {org: "acme"}], ["GET /orgs/{org}/repos", {org: "acme"}], ["GET /users/{username}", {username: "octocat"}],
    ["GET /repos/{owner}/{repo}", WIDGETS], ["GET /repos/{owner}/{repo}/branches", WIDGETS],
    ["GET /repos/{owner}/{repo}/branches/{branch}", {...WIDGETS, branch: "main"}],
    ["GET /repos/{owner}/{repo}/commits", WIDGETS], ["GET /repos/{owner}/{repo}/commits/{ref}", {...WIDGETS, ref: "main"}],
    ["GET /repos/{owner}/{repo}/compare/{basehead}", {...WIDGETS, basehead: "v1.0.0...main"}],
    ["GET /repos/{owner}/{repo}/readme", WIDGETS],
    ["GET /repos/{owner}/{repo}/contents/{path}", {...WIDGETS, path: "README.md"}],
    ["PUT /repos/{owner}/{repo}/contents/{path}", {...WIDGETS, path: "new", message: "m", content: "aGk=", branch: "feature"}],
    ["GET /repos/{owner}/{repo}/git/ref/{ref}", {...WIDGETS, ref: "heads/main"}],
    ["POST /repos/{owner}/{repo}/issues", {...WIDGETS, title: "An issue"}],
    ["GET /repos/{owner}/{repo}/issues", WIDGETS],
    ["GET /repos/{owner}/{repo}/issues/{issue_number}", {...WIDGETS, issue_number: 1}],
    ["POST /repos/{owner}/{repo}/issues/{issue_number}/comments", {...WIDGETS, issue_number: 1, body: "Yes"}],
    ["GET /repos/{owner}/{repo}/issues/{issue_number}/comments", {...WIDGETS, issue_number: 1}],
    ["POST /repos/{owner}/{repo}/pulls", {...WIDGETS, title: "A pull", head: "feature", base: "main"}],
    ["GET /repos/{owner}/{repo}/pulls", WIDGETS],
    ["GET /repos/{owner}/{repo}/pulls/{pull_number}", {...WIDGETS, pull_number: 2}],
    ["POST /repos/{owner}/{repo}/releases", {...WIDGETS, tag_name: "v9"}],
    ["GET /repos/{owner}/{repo}/releases", WIDGETS], ["GET /repos/{owner}/{repo}/releases/latest", WIDGETS],
    ["GET /repos/{owner}/{repo}/releases/tags/{tag}", {...WIDGETS, tag: "v9"}],
];
const AS_APP = /^GET \/app|access_tokens$|\/installation$/;

// OpenAPI 3.0 says `nullable` where JSON Schema has a type.
function withNull(schema) {
    if (Array.isArray(schema)) return schema.map(withNull);
    if (schema === null || typeof schema !== "object") return schema;
    const {nullable, ...rest} = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withNull(value)]));
    return nullable === true ? {anyOf: [rest, {type: "null"}]} : nullable === undefined ? rest : {...rest, nullable};
}

// Of what is about issues, commits and the like the mock gives the members that gh reads: none of those is wrong.
const PARTIAL = /^GET .app.installations$|.orgs.{org}$|.users.{username}$|.(branches|commits|compare|readme|issues|pulls|releases)\b|^GET .*.contents/;

function withoutRequired(schema) {
    if (Array.isArray(schema)) return schema.map(withoutRequired);
    if (schema === null || typeof schema !== "object") return schema;
    return Object.fromEntries(Object.entries(schema).filter(([key, value]) => key !== "required" || !Array.isArray(value))
        .map(([key, value]) => [key === "oneOf" ? "anyOf" : key, withoutRequired(value)]));
}

let ajv;
function validator(route, status) {
    const [method, path] = route.split(" ");
    const answer = description.paths[path]?.[method.toLowerCase()]?.responses[status];
    assert.ok(answer, `the description knows no ${status} of ${route}`);
    if (!ajv) {
        ajv = new Ajv({strict: false, allErrors: true, validateFormats: false, schemas: [
            {...withNull(description), $id: "whole"}, {...withoutRequired(withNull(description)), $id: "partial"}]});
    }
    const pointer = ["paths", path, method.toLowerCase(), "responses", status, "content", "application/json", "schema"]
        .map((part) => encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");
    return ajv.compile({$ref: `${PARTIAL.test(route) ? "partial" : "whole"}#/${pointer}`});
}

for (const [route, parameters] of ROUTES) {
    test(`${route} answers as GitHub describes it`, async () => {
        const auth = AS_APP.test(route) ? await authentication({type: "app"})
            : await authentication({type: "installation", installationId: route.includes("{username}") ? 700005 : 700001});
        const plain = request.defaults({request: {fetch: fetchFromMock}, headers: {authorization: `bearer ${auth.token}`}});
        const answer = await plain(route, parameters);
        const validate = validator(route, answer.status);
        assert.ok(validate(answer.data), (validate.errors ?? []).slice(0, 12)
            .map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`).join("\n"));
    });
}
