// A person's browser, as far as signing in needs one: cookies by host, redirects, forms. `*.localhost` is this machine.
import http from "node:http";
import { parse } from "node-html-parser";

export class Browser {
  #jars = new Map();

  async #send(url, { method = "GET", body } = {}) {
    const jar = this.#jars.get(url.host) ?? new Map();
    this.#jars.set(url.host, jar);
    const headers = { host: url.host, accept: "text/html", cookie: [...jar].map(([k, v]) => `${k}=${v}`).join("; ") };
    if (body !== undefined) headers["content-type"] = "application/x-www-form-urlencoded";
    const response = await new Promise((resolve, reject) => {
      const request = http.request(
        { host: "127.0.0.1", port: url.port || 80, path: url.pathname + url.search, method, headers },
        resolve,
      );
      request.on("error", reject);
      request.end(body);
    });
    for (const cookie of response.headers["set-cookie"] ?? []) {
      const [name, value] = cookie.split(";")[0].split("=");
      if (/max-age=0/i.test(cookie)) jar.delete(name);
      else jar.set(name, value);
    }
    let text = "";
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode, location: response.headers.location, text, url };
  }

  // Follows redirects until a page, or until an address that begins with `until`.
  async open(url, until, options) {
    let answer = await this.#send(new URL(url), options);
    for (let hops = 0; hops < 20; hops++) {
      if (!answer.location) return answer;
      const next = new URL(answer.location, answer.url);
      if (until && next.href.startsWith(until)) return { arrived: next };
      answer = await this.#send(next);
    }
    throw new Error(`too many redirects at ${answer.url}`);
  }

  // Fills in and sends the form a button belongs to.
  async press(page, selector, until, fields = {}) {
    const button = parse(page.text).querySelector(selector);
    if (!button) throw new Error(`no ${selector} at ${page.url} (${page.status})`);
    const form = button.closest("form");
    const body = new URLSearchParams();
    for (const input of form.querySelectorAll("input")) {
      const { name, value, type, checked } = { ...input.attributes, checked: input.hasAttribute("checked") };
      if (name && (!["checkbox", "radio"].includes(type) || checked || name in fields)) {
        body.append(name, fields[name] ?? value ?? "");
      }
    }
    if (button.getAttribute("name")) body.set(button.getAttribute("name"), button.getAttribute("value") ?? "");
    return this.open(new URL(form.getAttribute("action") || page.url.href, page.url), until, {
      method: (form.getAttribute("method") ?? "get").toUpperCase(),
      body: body.toString(),
    });
  }

  // Signs Mina in with Kakao, accepting what is asked, until the client's callback.
  async signIn(authorizationUrl, callback) {
    let page = await this.open(authorizationUrl, callback);
    for (let steps = 0; steps < 12 && !page.arrived; steps++) {
      const document = parse(page.text);
      const has = (selector) => document.querySelector(selector);
      if (has('[name="connection"][value="kakao"]')) {
        page = await this.press(page, '[name="connection"][value="kakao"]', callback);
      } else if (has("#user-mina")) page = await this.press(page, "#user-mina", callback);
      else if (has("#continue") && page.url.host.startsWith("kakao.")) page = await this.press(page, "#continue", callback);
      else if (has("#allow")) page = await this.press(page, "#allow", callback);
      else if (has('[value="allow"]')) page = await this.press(page, '[value="allow"]', callback);
      else if (has('[name^="accept."]')) {
        const boxes = document.querySelectorAll('[name^="accept."]').map((box) => [box.getAttribute("name"), "yes"]);
        page = await this.press(page, 'button[value="continue"]', callback, Object.fromEntries(boxes));
      } else throw new Error(`lost at ${page.url} (${page.status})\n${page.text.slice(0, 2000)}`);
    }
    if (!page.arrived) throw new Error("never arrived at the callback");
    return page.arrived;
  }
}
