// HTTP_GET and SSL_GET: every url is answered as it should be.

import { show } from "#model/config/fields.js";
import type { WrittenRequest } from "../../document.js";
import { defined, writtenTiming } from "../../document.js";
import type { Keywords, Reading } from "../read.js";
import { left } from "../read.js";
import { completeTiming } from "../timing.js";
import type { Directive } from "../tree.js";
import { describe } from "../tree.js";
import type { Checker, CommonOptions, Surroundings, Target } from "./checker.js";
import { commonKeywords, TARGET_KEYWORDS, writtenTarget } from "./checker.js";

interface HttpOptions extends CommonOptions, Target {
  version: "1.0" | "1.1";
  sni: boolean;
  virtualhost?: string | undefined;
  readonly urls: Directive[];
}

/** keepalived/check/check_http.c, http_get_handler(). */
const TIMING = { retry: 1, delayBeforeRetry: 3 };

const httpKeywords: Keywords<HttpOptions> = {
  ...commonKeywords(),
  ...TARGET_KEYWORDS,
  nb_get_retry: { words: 1, becomes: "`retries`", read: (directive, options, reading) => { options.retry = reading.number(directive, "a whole number", 0, 1000) ?? options.retry; } },
  http_protocol: { words: 1, becomes: "`version`", read: readVersion },
  virtualhost: { words: 1, becomes: "`host`", read: (directive, options, reading) => { options.virtualhost = reading.word(directive, "the name of a host"); } },
  fast_recovery: left("left out; weir asks for all urls one after another in any case"),
  url: { words: 0, block: "needed", becomes: "the keys of a request, or one of `requests`", read: (directive, options) => { options.urls.push(directive); } },
};

const sslKeywords: Keywords<HttpOptions> = {
  ...httpKeywords,
  enable_sni: { words: 1, becomes: "`sni`", read: (directive, options, reading) => { options.sni = reading.flag(directive) ?? false; } },
};

interface Url {
  path?: string | undefined;
  digest?: string | undefined;
  status?: readonly (number | string)[] | undefined;
  host?: string | undefined;
  regex?: { readonly directive: Directive; readonly source: string } | undefined;
  regexNot: boolean;
}

const regexOption = left("left out; the regular expression is JavaScript's: it sees the whole body, and has no options");

export const URL_KEYWORDS: Keywords<Url> = {
  path: { words: 1, becomes: "`path`", read: (directive, url, reading) => { url.path = reading.word(directive, "a path such as /"); } },
  digest: { words: 1, becomes: "`digest`", read: readDigest },
  status_code: { words: Infinity, becomes: "`status`", read: readStatus },
  virtualhost: { words: 1, becomes: "`host`", read: (directive, url, reading) => { url.host = reading.word(directive, "the name of a host"); } },
  regex: { words: 1, becomes: "`body`, or `bodyNot`", read: readRegex },
  regex_no_match: { words: 0, becomes: "`bodyNot` in the place of `body`", read: (_directive, url) => { url.regexNot = true; } },
  regex_options: regexOption,
  regex_stack: regexOption,
  regex_min_offset: regexOption,
  regex_max_offset: regexOption,
};

export const http = httpChecker("http", "HTTP_GET", httpKeywords);
export const https = httpChecker("https", "SSL_GET", sslKeywords);

function httpChecker(type: "http" | "https", name: string, keywords: Keywords<HttpOptions>): Checker {
  return {
    keywords,
    read(directive, around, reading) {
      const options: HttpOptions = { version: "1.0", sni: false, urls: [] };
      reading.block(directive.block ?? [], keywords, options, name);
      const requests = options.urls.flatMap((url) => readUrl(url, options, around, reading) ?? []);
      if (options.urls.length === 0) reading.report.mistake(directive, `${name} has no url; write url { path / }`);
      const check = {
        type, ...(requests.length === 1 ? requests[0] : { requests }), ...(options.version === "1.0" ? { version: options.version } : {}),
        ...(type === "https" && !options.sni ? { sni: false } : {}),
        ...writtenTarget(options, directive, reading), ...writtenTiming(completeTiming([options, ...around.timing], TIMING)),
      };
      return { checks: [check], alpha: options.alpha ?? false };
    },
  };
}

function readVersion(directive: Directive, options: HttpOptions, reading: Reading): void {
  const version = reading.oneOf(directive, ["1.0", "1.0C", "1.0c", "1.1"]);
  options.version = version === "1.1" ? "1.1" : "1.0";
  if (version === "1.0C" || version === "1.0c") reading.report.note(directive, describe(directive), "HTTP/1.0 without the header Connection: close; every HTTP/1.0 connection ends with its answer");
}

function readUrl(directive: Directive, options: HttpOptions, { virtualhost }: Surroundings, reading: Reading): WrittenRequest | undefined {
  const url: Url = { regexNot: false };
  reading.block(directive.block ?? [], URL_KEYWORDS, url, "url");
  const { path, host = options.virtualhost ?? virtualhost, digest, status, regex, regexNot } = url;
  if (path === undefined) {
    if (!directive.block?.some(({ keyword }) => keyword === "path")) reading.report.mistake(directive, "url has no path; write path /");
    return undefined;
  }
  if (regexNot && regex === undefined) reading.report.mistake(directive, "url: regex_no_match stands without a regex; give one, or take it away");
  return defined({
    path: path.startsWith("/") ? path : `/${path}`, host, digest, status: status?.length === 1 ? status[0] : status, [regexNot ? "bodyNot" : "body"]: regex?.source,
  });
}

function readDigest(directive: Directive, url: Url, reading: Reading): void {
  const digest = reading.word(directive, "an MD5 digest, as genhash prints it");
  if (digest === undefined) return;
  if (/^[\da-f]{32}$/i.test(digest)) url.digest = digest.toLowerCase();
  else reading.wrong(directive, digest, "an MD5 digest of 32 hexadecimal digits, as genhash prints it");
}

const isStatus = (text: string): boolean => /^[1-5]\d\d$/.test(text);

function readStatus(directive: Directive, url: Url, reading: Reading): void {
  reading.word(directive, "codes and ranges, such as 200 or 200-299");
  const statuses: (number | string)[] = [];
  for (const word of directive.values) {
    const [from = "", to = from, ...rest] = word.split("-");
    if (rest.length > 0 || !isStatus(from) || !isStatus(to) || Number(from) > Number(to)) reading.wrong(directive, word, "a status; give codes from 100 to 599 and ranges such as 200-299");
    else statuses.push(word.includes("-") ? word : Number(word));
  }
  url.status = [...(url.status ?? []), ...statuses];
}

/** PCRE there, JavaScript here: what JavaScript cannot read is left out and said. */
function readRegex(directive: Directive, url: Url, reading: Reading): void {
  const source = reading.word(directive, "a regular expression");
  if (source === undefined) return;
  try {
    new RegExp(source, "u");
    url.regex = { directive, source };
  } catch {
    reading.report.mistake(directive, `regex: ${show(source)} is no regular expression of JavaScript's; write it so that both can read it, or take it away`);
  }
}
