/** The editor in the portal's colours: the tokens of `ui/tokens.css`, as they are computed now. */
import { monaco } from "./monaco";

const THEME = "bowline";

/** Follows the system from light to dark; gives the end of that. */
export function followColors(): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    monaco.editor.defineTheme(THEME, themeOf(dark.matches));
    monaco.editor.setTheme(THEME);
  };
  apply();
  dark.addEventListener("change", apply);
  return () => dark.removeEventListener("change", apply);
}

function themeOf(dark: boolean): monaco.editor.IStandaloneThemeData {
  const color = reader();
  const rule = (token: string, name: string) => ({ token, foreground: color(name).slice(1, 7) });
  return {
    base: dark ? "vs-dark" : "vs",
    inherit: true,
    rules: [
      rule("", "--text"),
      rule("keyword", "--code-keyword"),
      rule("function", "--code-function"),
      rule("type", "--code-type"),
      rule("string", "--code-string"),
      rule("number", "--code-number"),
      rule("comment", "--text-muted"),
      rule("delimiter", "--text"),
    ],
    colors: {
      "editor.background": color("--surface"),
      "editor.foreground": color("--text"),
      "editorLineNumber.foreground": color("--text-muted"),
      "editorLineNumber.activeForeground": color("--text"),
      "editorCursor.foreground": color("--text"),
      "editorWidget.background": color("--surface-raised"),
      "editorWidget.border": color("--line-strong"),
      "editorSuggestWidget.selectedBackground": color("--accent-soft"),
      "editorSuggestWidget.selectedForeground": color("--text"),
      "editorSuggestWidget.highlightForeground": color("--accent"),
      "editorSuggestWidget.focusHighlightForeground": color("--accent"),
      "editorError.foreground": color("--bad"),
      "editorWarning.foreground": color("--ended"),
      focusBorder: color("--focus"),
    },
  };
}

/** Computes tokens to `#rrggbb` by way of an element that has them. */
function reader(): (name: string) => string {
  return (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const channels = getComputedStyle(probe).color.match(/[\d.]+/g) ?? [];
    probe.remove();
    return `#${channels
      .slice(0, 3)
      .map((channel) => Math.round(Number(channel)).toString(16).padStart(2, "0"))
      .join("")}`;
  };
}
