"use strict";
(() => {
  const { base, id, redirect } = document.body.dataset;
  const api = base + "/api/v2/external-auth/" + encodeURIComponent(id);
  const get = (name) => document.getElementById(name);
  const say = (text) => { get("said").textContent = text; };
  const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

  // ask returns the body of an answer and throws the error of one that failed.
  const ask = async (method, url, body) => {
    const init = { method, headers: { Accept: "application/json" } };
    if (body) {
      init.headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(body);
    }
    const answer = await fetch(url, init);
    const text = await answer.text();
    const value = text ? JSON.parse(text) : {};
    if (!answer.ok) {
      throw Object.assign(new Error(value.message || "The server answered " + answer.status + "."), { detail: value.detail });
    }
    return value;
  };

  const on = (name, event, act) => get(name)?.addEventListener(event, async (e) => {
    e.preventDefault();
    say("");
    try {
      await act(e);
    } catch (err) {
      say(err.message);
    }
  });

  on("login", "submit", async (e) => {
    const f = new FormData(e.target);
    await ask("POST", base + "/api/v2/users/login", { email: f.get("email"), password: f.get("password") });
    location.reload();
  });

  on("begin", "click", async () => {
    const url = base + "/external-auth/" + encodeURIComponent(id) + "/start?redirect=" + encodeURIComponent(redirect);
    location.assign((await ask("POST", url)).url);
  });

  on("unlink", "click", async () => {
    const answer = await ask("DELETE", api);
    if (answer.token_revocation_error) {
      alert(answer.token_revocation_error);
    }
    location.reload();
  });

  on("device", "click", async () => {
    const d = await ask("GET", api + "/device");
    get("device").hidden = true;
    get("where").href = d.verification_uri;
    get("where").textContent = d.verification_uri;
    get("user-code").textContent = d.user_code;
    get("code").hidden = false;
    for (let pause = d.interval, end = Date.now() + d.expires_in * 1000; Date.now() < end;) {
      await sleep(pause);
      try {
        await ask("POST", api + "/device", { device_code: d.device_code });
        location.assign(redirect ? base + redirect : location.href);
        return;
      } catch (err) {
        if (err.detail === "slow_down") {
          pause += 5;
        } else if (err.detail !== "authorization_pending") {
          throw err;
        }
      }
    }
    throw new Error("The code has expired. Reload this page to begin again.");
  });
})();
