#include "doctor_script.h"

#include "doctor.h"

const char doctor_script_python[] = "import urllib.error, urllib.request\n"
                                    "try:\n"
                                    "    urllib.request.urlopen('" DOCTOR_URL "', timeout=10)\n"
                                    "except urllib.error.HTTPError as answer:\n"
                                    "    print(answer.read().decode())\n";

const char doctor_script_requests[] = "try:\n"
                                      "    import requests\n"
                                      "except ImportError:\n"
                                      "    raise SystemExit('" DOCTOR_SCRIPT_NO_REQUESTS "')\n"
                                      "print(requests.get('" DOCTOR_URL "', timeout=10).text)\n";

// A Node that reads no HTTPS_PROXY is led by a CONNECT of the script's; its trust is its own.
const char doctor_script_node[] =
    "const https = require('https'), proxy = process.env.GITLATCH_DOCTOR_PROXY, url = '" DOCTOR_URL "';\n"
    "const [major, minor] = process.versions.node.split('.').map(Number);\n"
    "const led = process.env.NODE_USE_ENV_PROXY === '1' &&\n"
    "    (major > 24 || major === 24 && minor >= 5 || major === 22 && minor >= 21);\n"
    "const fail = error => { console.error(error.message); process.exit(1); };\n"
    "const show = answer => {\n"
    "    answer.on('data', data => process.stdout.write(data)).on('end', () => process.exit(0));\n"
    "};\n"
    "if (!proxy || led) {\n"
    "    https.get(url, show).on('error', fail);\n"
    "} else {\n"
    "    console.log('" DOCTOR_SCRIPT_NODE_NOT_LED "');\n"
    "    const to = new URL(proxy), headers = {Host: 'github.com:443'};\n"
    "    const user = decodeURIComponent(to.username) + ':' + decodeURIComponent(to.password);\n"
    "    if (to.username) headers['Proxy-Authorization'] = 'Basic ' + Buffer.from(user).toString('base64');\n"
    "    require('http').request({host: to.hostname.replace(/[\\[\\]]/g, ''), port: to.port || 80, method: 'CONNECT',\n"
    "                             path: 'github.com:443', headers})\n"
    "        .on('connect', (answer, socket) => {\n"
    "            if (answer.statusCode !== 200) fail({message: 'the proxy answers ' + answer.statusCode});\n"
    "            const createConnection = () => require('tls').connect({socket, servername: 'github.com'});\n"
    "            https.get(url, {createConnection, defaultPort: 443}, show).on('error', fail);\n"
    "        }).on('error', fail).end();\n"
    "}\n";

const char doctor_script_fetch[] =
    "fetch('" DOCTOR_URL "').then(answer => answer.text()).then(text => console.log(text))\n"
    "    .catch(error => { for (; error; error = error.cause) console.error(String(error)); });\n";

const char doctor_script_ruby[] = "require 'open-uri'\n"
                                  "begin\n"
                                  "  puts URI.open('" DOCTOR_URL "', open_timeout: 10, read_timeout: 10).read\n"
                                  "rescue OpenURI::HTTPError => answer\n"
                                  "  puts answer.io.read\n"
                                  "end\n";

// Led by a CONNECT of the script's, where there is a proxy; its trust is PHP's own.
const char doctor_script_php[] =
    "$proxy = parse_url(getenv('GITLATCH_DOCTOR_PROXY'));\n"
    "$http = ['timeout' => 10, 'ignore_errors' => true];\n"
    "if (isset($proxy['host'])) {\n"
    "    $http['proxy'] = 'tcp://' . $proxy['host'] . ':' . ($proxy['port'] ?? 80);\n"
    "    if (isset($proxy['user'])) {\n"
    "        $user = urldecode($proxy['user']) . ':' . urldecode($proxy['pass'] ?? '');\n"
    "        $http['header'] = 'Proxy-Authorization: Basic ' . base64_encode($user);\n"
    "    }\n"
    "}\n"
    "set_error_handler(function ($number, $words) { echo $words, \"\\n\"; return true; });\n"
    "echo file_get_contents('" DOCTOR_URL "', false, stream_context_create(['http' => $http]));\n";
