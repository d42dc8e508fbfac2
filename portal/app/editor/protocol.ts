/** What the editor and the worker of the language service say to each other. */

/** Tables and functions, as `querySchema` gives them. */
export interface EditorSchema {
  tables: Array<{ name: string; columns: Array<{ name: string; type: string }> }>;
  functions: Array<{ name: string }>;
}

/** A part of the text, by offset. */
export interface TextRange {
  start: number;
  length: number;
}

export interface LanguageError extends TextRange {
  message: string;
  severity: "error" | "warning" | "hint";
}

export interface Completion {
  label: string;
  /** What is put in before the cursor, and behind it. */
  before: string;
  after: string;
  kind: "keyword" | "column" | "table" | "function" | "variable" | "operator" | "other";
}

export interface Completions extends TextRange {
  items: Completion[];
}

/** What the worker is asked, and what it answers. */
export interface Questions {
  schema: { ask: EditorSchema; answer: undefined };
  errors: { ask: { text: string }; answer: LanguageError[] };
  complete: { ask: { text: string; offset: number }; answer: Completions };
  explain: { ask: { text: string; offset: number }; answer: string | undefined };
  format: { ask: { text: string }; answer: string };
}

export type Question = keyof Questions;

/** The first message: where the language service is. Later ones are questions with a number. */
export interface Start {
  scripts: string[];
}
export interface Asked<Q extends Question = Question> {
  id: number;
  question: Q;
  ask: Questions[Q]["ask"];
}
export interface Answered {
  id: number;
  answer?: unknown;
  failed?: string;
}
