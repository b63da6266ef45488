// Asks the API server that tests/cluster started, as an administrator or as somebody else.
import {execFileSync, spawnSync} from "node:child_process";
import {readFileSync} from "node:fs";
import {request} from "node:https";

const config = JSON.parse(readFileSync(process.env.KUBECONFIG, "utf8"));
const [{cluster}] = config.clusters, [{user}] = config.users;
const tls = {ca: readFileSync(cluster["certificate-authority"]), cert: readFileSync(user["client-certificate"]), key: readFileSync(user["client-key"])};

// {status, body, warnings}. `more`: {as, groups}: whom the administrator speaks for.
export function ask(method, path, body, more = {}) {
  const headers = {"content-type": more.type ?? "application/json", ...(more.as && {"impersonate-user": more.as})};
  if (more.groups) headers["impersonate-group"] = more.groups;
  return new Promise((resolve, reject) => {
    const call = request(new URL(path, cluster.server), {method, headers, ...tls}, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => {
        const text = Buffer.concat(parts).toString();
        let parsed = text;
        try { parsed = JSON.parse(text); } catch { /* not every answer is JSON */ }
        resolve({status: answer.statusCode, body: parsed, warnings: answer.headers.warning ?? ""});
      });
    });
    call.on("error", reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export const kubectl = (...words) => execFileSync("kubectl", words, {encoding: "utf8", stdio: "pipe", maxBuffer: 1 << 26});

// A line of shell in a folder: {status, output, errors}.
export function shell(line, cwd, home) {
  const done = spawnSync("bash", ["-ec", line], {cwd, encoding: "utf8", env: {...process.env, HOME: home, EDITOR: "true"}});
  return {status: done.status, output: done.stdout, errors: done.stderr};
}

export async function until(what, seconds, holds) {
  for (const end = Date.now() + 1000 * seconds; ;) {
    const answer = await holds();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}
