// Cases as data: how an operation is called, and what becomes of it for who may, for who may not, and on a
// subscription that does not exist.
"use strict";

const { performance } = require("node:perf_hooks");

// The end of whatever an operation returns: a list of pages or an answer.
async function settle(value) {
  if (value && value[Symbol.asyncIterator] && !value.then) {
    const all = [];
    for await (const item of value) all.push(item);
    return all;
  }
  return await value;
}

function describe(error) {
  return `${error.name} ${error.statusCode ?? ""} ${error.code ?? ""}: ${error.message}`;
}

class Table {
  constructor(report, clients) {
    this.report = report;
    this.clients = clients;
  }

  async run(cases) {
    for (const one of cases) {
      const { operation, call, only } = one;
      if (only) {
        await this.fails(operation, only.name, only.status, only.code, call, this.clients.owner);
        continue;
      }
      if (!one.anyone) await this.unprivileged(one);
      if (one.scoped) {
        await this.fails(operation, "unknown subscription", 404, "SubscriptionNotFound", call, this.clients.elsewhere);
      }
      await this.succeeds(one);
    }
  }

  async succeeds({ operation, call, check }) {
    const since = performance.now();
    try {
      const answer = await settle(call(this.clients.owner));
      const ok = check ? check(answer) : true;
      this.report.outcome(operation, "succeeds", ok, `not as expected: ${JSON.stringify(answer)}`, since);
    } catch (error) {
      this.report.outcome(operation, "succeeds", false, describe(error), since);
    }
  }

  async fails(operation, name, status, code, call, clients) {
    const since = performance.now();
    try {
      const answer = await settle(call(clients));
      this.report.outcome(operation, name, false, `was not refused: ${JSON.stringify(answer)}`, since);
    } catch (error) {
      const head = this.report.requests.at(-1)?.[0] === "HEAD";
      const ok = error.statusCode === status && (head || code === undefined || error.code === code);
      this.report.outcome(operation, name, ok, `expected ${status} ${code}: ${describe(error)}`, since);
    }
  }

  async unprivileged({ operation, call, lists }) {
    if (!lists) return this.fails(operation, "no rights", 403, "AuthorizationFailed", call, this.clients.stranger);
    const since = performance.now();
    try {
      const answer = await settle(call(this.clients.stranger));
      const ok = Array.isArray(answer) && answer.length === 0;
      this.report.outcome(operation, "no rights", ok, `shows ${JSON.stringify(answer)}`, since);
    } catch (error) {
      this.report.outcome(operation, "no rights", error.statusCode === 403, describe(error), since);
    }
  }
}

module.exports = { Table, settle, describe };
