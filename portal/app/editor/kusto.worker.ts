/**
 * Microsoft's Kusto language service, in a worker: it is five megabytes of script that take their time, and make code
 * from text, which the page may not. The server sends this file alone under a policy that allows it.
 *
 * It imports nothing but types: the page says where the service's scripts are, because a worker of this kind loads
 * them as they are.
 */
import type { Answered, Asked, Completion, EditorSchema, LanguageError, Question, Questions, Start } from "./protocol";

// What of the service is used. It declares a megabyte and a half of types, with which the compiler would take its time.
interface Listed<T> {
  Count: number;
  getItem(index: number): T;
}
interface Named {
  Name: string;
}
interface Globals {
  Functions: Named[];
  Aggregates: Named[];
  PlugIns: Named[];
  WithFunctions(functions: unknown): Globals;
  WithAggregates(functions: unknown): Globals;
  WithPlugIns(functions: unknown): Globals;
  WithDatabase(database: unknown): Globals;
}
interface CodeService {
  GetDiagnostics(): Listed<{ Start: number; Length: number; Severity: string; Message: string }>;
  GetCompletionItems(
    offset: number,
    options: null,
  ): {
    Items: Listed<{ Kind: number; DisplayText: string; BeforeText: string; AfterText: string }>;
    EditStart: number;
    EditLength: number;
  };
  GetQuickInfo(offset: number, options: null): { Text: string | null };
  GetFormattedText(options: null, caret: number, cancel: null): { Text: string };
}
interface Kusto {
  GlobalState: { Default: Globals };
  Symbols: {
    ScalarTypes: Record<string, unknown>;
    ColumnSymbol: new (name: string, type: unknown, a: null, b: null, c: null, d: null) => unknown;
    TableSymbol: { $ctor6: new (name: string, columns: unknown, doc: null) => unknown };
    DatabaseSymbol: { $ctor3: new (name: string, other: null, members: unknown, open: boolean) => unknown };
    FunctionSymbol: unknown;
    Symbol: unknown;
  };
  Editor: { KustoCodeService: { $ctor1: new (text: string, globals: Globals) => CodeService } };
}
interface WorkerScope {
  importScripts(...urls: string[]): void;
  postMessage(message: Answered): void;
  onmessage: ((event: MessageEvent<Start | Asked>) => void) | null;
  Kusto: { Language: Kusto };
  System: { Collections: { Generic: { List$1(type: unknown): { ctor: new () => { add(item: unknown): void } } } } };
}

const scope = self as unknown as WorkerScope;
// Numbers of the service's kinds of completions.
const KINDS: Record<number, Completion["kind"]> = {
  1: "keyword",
  4: "variable",
  6: "keyword",
  7: "keyword",
  8: "operator",
  9: "keyword",
  11: "operator",
  12: "keyword",
  13: "column",
  14: "table",
  15: "function",
  16: "function",
  17: "function",
  18: "function",
  19: "variable",
  20: "variable",
};
// Suggestions of what this server cannot answer: other databases, other clusters, plain punctuation.
const UNWANTED = new Set([2, 5, 10, 21, 22, 23, 24, 25]);

let globals: Globals | undefined;

const answers: { [Q in Question]: (ask: Questions[Q]["ask"]) => Questions[Q]["answer"] } = {
  schema: (schema) => {
    globals = globalsOf(schema);
    return undefined;
  },
  errors: ({ text }) => items(service(text).GetDiagnostics()).map(errorOf),
  complete: ({ text, offset }) => {
    const { Items, EditStart, EditLength } = service(text).GetCompletionItems(offset, null);
    const wanted = items(Items).filter((item) => !UNWANTED.has(item.Kind));
    return {
      start: EditStart,
      length: EditLength,
      items: wanted.map((item) => ({
        label: item.DisplayText,
        before: item.BeforeText,
        after: item.AfterText,
        kind: KINDS[item.Kind] ?? "other",
      })),
    };
  },
  explain: ({ text, offset }) => service(text).GetQuickInfo(offset, null).Text ?? undefined,
  format: ({ text }) => service(text).GetFormattedText(null, 0, null).Text,
};

scope.onmessage = ({ data }) => {
  if ("scripts" in data) {
    scope.importScripts(...data.scripts);
    return;
  }
  try {
    const answer = (answers[data.question] as (ask: unknown) => unknown)(data.ask);
    scope.postMessage({ id: data.id, answer });
  } catch (failure) {
    scope.postMessage({ id: data.id, failed: String(failure) });
  }
};

function service(text: string): CodeService {
  const { Editor, GlobalState } = scope.Kusto.Language;
  return new Editor.KustoCodeService.$ctor1(text, globals ?? GlobalState.Default);
}

/** The language with our tables, and without the functions that this server does not know. */
function globalsOf(schema: EditorSchema): Globals {
  const { Symbols, GlobalState } = scope.Kusto.Language;
  const typeOf = (name: string) => Symbols.ScalarTypes[(name[0] ?? "").toUpperCase() + name.slice(1)];
  const tables = schema.tables.map(({ name, columns }) => {
    const made = columns.map((one) => new Symbols.ColumnSymbol(one.name, typeOf(one.type), null, null, null, null));
    return new Symbols.TableSymbol.$ctor6(name, listOf(Symbols.ColumnSymbol, made), null);
  });
  const known = new Set(schema.functions.map(({ name }) => name));
  const ours = (all: Named[]) =>
    listOf(
      Symbols.FunctionSymbol,
      all.filter(({ Name }) => known.has(Name)),
    );
  const all = GlobalState.Default;
  return all
    .WithFunctions(ours(all.Functions))
    .WithAggregates(ours(all.Aggregates))
    .WithDatabase(new Symbols.DatabaseSymbol.$ctor3("bowline", null, listOf(Symbols.Symbol, tables), false));
}

function listOf(type: unknown, values: unknown[]): unknown {
  const list = new (scope.System.Collections.Generic.List$1(type).ctor)();
  for (const value of values) list.add(value);
  return list;
}

function items<T>(list: Listed<T>): T[] {
  return Array.from({ length: list.Count }, (_, index) => list.getItem(index));
}

function errorOf(found: { Start: number; Length: number; Severity: string; Message: string }): LanguageError {
  const severity = found.Severity === "Error" ? "error" : found.Severity === "Warning" ? "warning" : "hint";
  return { start: found.Start, length: found.Length, message: found.Message, severity };
}
