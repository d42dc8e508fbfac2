/** The query language for Monaco: colours at once by a small grammar, everything else from the language service. */
import type { LanguageService } from "./language-service";
import { monaco } from "./monaco";
import type { Completion } from "./protocol";

export const LANGUAGE = "kusto";

const KEYWORDS = (
  "and as asc by between contains contains_cs count datatable default desc distinct endswith evaluate extend facet " +
  "false find first from getschema has has_all has_any has_cs hint in invoke join kind last let limit lookup " +
  "make-series materialize mv-apply mv-expand not nulls of on or order parse parse-kv parse-where partition print " +
  "project project-away project-keep project-rename project-reorder range render sample search serialize sort " +
  "startswith summarize take to top top-nested true typeof union where with"
).split(" ");
const TYPES = "bool datetime decimal dynamic guid int long real string timespan".split(" ");

// Completions come unasked behind these words and a pipe; elsewhere a blank is only a blank.
const EXPECTANT = /(\||\b(where|by|on|and|or|project|extend|summarize|distinct|join|kind)\b|[,=(])\s*$/i;

const KINDS: Record<Completion["kind"], monaco.languages.CompletionItemKind> = {
  keyword: monaco.languages.CompletionItemKind.Keyword,
  column: monaco.languages.CompletionItemKind.Field,
  table: monaco.languages.CompletionItemKind.Struct,
  function: monaco.languages.CompletionItemKind.Function,
  variable: monaco.languages.CompletionItemKind.Variable,
  operator: monaco.languages.CompletionItemKind.Operator,
  other: monaco.languages.CompletionItemKind.Text,
};

let registered = false;

export function registerLanguage(service: LanguageService): void {
  if (registered) return;
  registered = true;
  monaco.languages.register({ id: LANGUAGE });
  monaco.languages.setLanguageConfiguration(LANGUAGE, {
    comments: { lineComment: "//" },
    brackets: [
      ["(", ")"],
      ["[", "]"],
      ["{", "}"],
    ],
    autoClosingPairs: ["()", "[]", "{}", "''", '""'].map(([open = "", close = ""]) => ({ open, close })),
    wordPattern: /[A-Za-z_][\w-]*/,
  });
  monaco.languages.setMonarchTokensProvider(LANGUAGE, {
    ignoreCase: false,
    keywords: KEYWORDS,
    types: TYPES,
    tokenizer: {
      root: [
        [/\/\/.*$/, "comment"],
        [/[h@]?"([^"\\]|\\.)*"?|[h@]?'([^'\\]|\\.)*'?/, "string"],
        [/\b\d+(\.\d+)?([eE][+-]?\d+)?(ms|[dhms])?\b/, "number"],
        [/(project|top|mv|make|parse)-[a-z]+/, "keyword"],
        [/[A-Za-z_]\w*(?=\s*\()/, { cases: { "@keywords": "keyword", "@types": "type", "@default": "function" } }],
        [/[A-Za-z_]\w*/, { cases: { "@keywords": "keyword", "@types": "type", "@default": "" } }],
        [/[|(){}[\],;=<>!~+\-*/%.]/, "delimiter"],
      ],
    },
  });
  monaco.languages.registerCompletionItemProvider(LANGUAGE, {
    triggerCharacters: [" ", "|", "(", ",", "."],
    provideCompletionItems: async (model, position, context) => {
      const text = model.getValue();
      const offset = model.getOffsetAt(position);
      const unasked = context.triggerCharacter !== undefined && context.triggerCharacter !== ".";
      if (unasked && !EXPECTANT.test(text.slice(0, offset))) return { suggestions: [] };
      const found = await service.ask("complete", { text, offset }).catch(() => undefined);
      if (!found) return { suggestions: [] };
      const range = monaco.Range.fromPositions(model.getPositionAt(found.start), position);
      return { suggestions: found.items.map((item, index) => suggestion(item, index, range)) };
    },
  });
  monaco.languages.registerHoverProvider(LANGUAGE, {
    provideHover: async (model, position) => {
      const ask = { text: model.getValue(), offset: model.getOffsetAt(position) };
      const value = await service.ask("explain", ask).catch(() => undefined);
      return value ? { contents: [{ value: `\`\`\`text\n${value}\n\`\`\`` }] } : undefined;
    },
  });
  monaco.languages.registerDocumentFormattingEditProvider(LANGUAGE, {
    provideDocumentFormattingEdits: async (model) => {
      const text = await service.ask("format", { text: model.getValue() }).catch(() => undefined);
      return text === undefined ? [] : [{ range: model.getFullModelRange(), text }];
    },
  });
}

function suggestion(item: Completion, index: number, range: monaco.IRange): monaco.languages.CompletionItem {
  const literal = (text: string) => text.replace(/[\\$}]/g, "\\$&");
  const snippet = item.after !== "";
  return {
    label: item.label,
    kind: KINDS[item.kind],
    insertText: snippet ? `${literal(item.before)}$0${literal(item.after)}` : item.before,
    insertTextRules: snippet ? monaco.languages.CompletionItemInsertTextRule.InsertAsSnippet : undefined,
    // The service's order is by what fits best.
    sortText: String(index).padStart(5, "0"),
    range,
  };
}
