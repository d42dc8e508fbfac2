import { expect, it } from "vitest";
import { createPolicy, holdStyles } from "./strict-policy";

it("renames the styles of tags, and nothing that was typed", () => {
  const line = '<div style="top:4px;" class="view-line"><span>where x == " style="</span></div>';
  expect(holdStyles(line)).toBe(
    '<div data-held-style="top:4px;" class="view-line"><span>where x == " style="</span></div>',
  );
  expect(createPolicy("x", { createHTML: (html) => html.toUpperCase() }).createHTML("<b>a</b>")).toBe("<B>A</B>");
});
