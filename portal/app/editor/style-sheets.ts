/**
 * Stands for Monaco's `base/browser/domStylesheets.js` in the build (see `vite.config.ts`): the editor writes its rules
 * into `<style>` elements, which the portal's content security policy forbids; here they go into constructed sheets,
 * which it allows. It has the same exports.
 *
 * Images in the rules are dropped, because they are `data:` addresses; `query-editor.module.css` underlines errors.
 */
interface Disposables {
  add(disposable: { dispose(): void }): unknown;
}

/** As much of a style element as the editor uses. */
class Rules {
  readonly sheet = new CSSStyleSheet();
  type = "";
  media = "";
  className = "";
  private text = "";

  constructor() {
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.sheet];
  }

  get textContent(): string {
    return this.text;
  }
  set textContent(text: string) {
    if (text === this.text) return;
    this.text = text;
    this.sheet.replaceSync(text.replace(/url\("data:[^"]*"\)/g, "none"));
  }

  remove(): void {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== this.sheet);
  }
}

export function createStyleSheet(
  _container?: unknown,
  beforeAppend?: (rules: Rules) => void,
  disposables?: Disposables,
): Rules {
  const rules = new Rules();
  beforeAppend?.(rules);
  disposables?.add({ dispose: () => rules.remove() });
  return rules;
}

let shared: Rules | undefined;
function sharedRules(): Rules {
  shared ??= createStyleSheet();
  return shared;
}

export function createCSSRule(selector: string, text: string, rules: Rules = sharedRules()): void {
  if (text) rules.sheet.insertRule(`${selector} {${text}}`, 0);
}

export function removeCSSRulesContainingSelector(name: string, { sheet }: Rules = sharedRules()): void {
  for (let index = sheet.cssRules.length - 1; index >= 0; index--) {
    const rule = sheet.cssRules[index];
    if (rule instanceof CSSStyleRule && rule.selectorText.includes(name)) sheet.deleteRule(index);
  }
}
