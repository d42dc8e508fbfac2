// What every driver prints: one line of JSON for each case. The Python drivers' report.py says what is in it.
"use strict";

const { performance } = require("node:perf_hooks");

class Report {
  constructor(flavour) {
    this.flavour = flavour;
    this.requests = [];
  }

  saw(method, url, status) {
    const { pathname, searchParams } = new URL(url);
    this.requests.push([method, pathname, searchParams.get("api-version") ?? "", status]);
  }

  outcome(operation, name, ok, seen, since) {
    const seconds = Math.round(performance.now() - since) / 1000;
    const line = { flavour: this.flavour, operation, case: name, ok: Boolean(ok), seen: ok ? "" : String(seen).slice(0, 600) };
    console.log(JSON.stringify({ ...line, seconds, requests: this.requests }));
    this.requests = [];
  }
}

// Tells the report what was sent; placed after the retries, so that it sees each of them.
function recorder(report) {
  return {
    name: "recorder",
    async sendRequest(request, next) {
      const response = await next(request);
      report.saw(request.method, request.url, response.status);
      return response;
    },
  };
}

module.exports = { Report, recorder };
