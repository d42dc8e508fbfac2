/** The editor of the query page. It is a chunk of its own that only that page loads. */
import { type Ref, useEffect, useImperativeHandle, useRef } from "react";
import { LANGUAGE, registerLanguage } from "./language";
import { LanguageService } from "./language-service";
import { monaco } from "./monaco";
import type { EditorSchema, LanguageError } from "./protocol";
import styles from "./query-editor.module.css";
import { keepStyles } from "./strict-policy";
import { followColors } from "./theme";

/** What the server found wrong, counted from 1. */
export interface Finding {
  line: number;
  column: number;
  message: string;
}

/** What a page does to its editor. */
export interface QueryEditorHandle {
  /** Replaces the text, so that it can be undone. */
  setText: (text: string) => void;
  /** Puts text at the cursor. */
  insert: (text: string) => void;
  /** Goes to a place, counted from 1. */
  goTo: (line: number, column: number) => void;
  format: () => void;
}

interface QueryEditorProps {
  /** What the editor begins with. Later it is the editor that knows: a text that came back to it could be an older one. */
  initial: string;
  onChange: (text: string) => void;
  /** Runs what is in the editor now, which the page may not have been told yet. */
  onRun: (text: string) => void;
  schema: EditorSchema | undefined;
  findings: readonly Finding[];
  handle: Ref<QueryEditorHandle>;
}

const MOST_PIXELS = 420;
const LEAST_PIXELS = 110;
// Errors are looked for when typing rests, so that a word half written is not called wrong.
const REST_MILLISECONDS = 400;

let service: LanguageService | undefined;

export function QueryEditor({ initial, onChange, onRun, schema, findings, handle }: QueryEditorProps) {
  const container = useRef<HTMLDivElement>(null);
  const editor = useRef<monaco.editor.IStandaloneCodeEditor>(undefined);
  const latest = useRef({ onChange, onRun, initial });
  latest.current = { onChange, onRun, initial };

  useEffect(() => {
    const element = container.current;
    if (!element) return;
    const made = create(element, latest.current.initial);
    editor.current = made.editor;
    made.editor.onDidChangeModelContent(() => latest.current.onChange(made.editor.getValue()));
    const run = () => {
      made.editor.trigger("run", "hideSuggestWidget", {});
      latest.current.onRun(made.editor.getValue());
    };
    made.editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.Enter, run);
    made.editor.addCommand(monaco.KeyMod.Shift | monaco.KeyCode.Enter, run);
    made.editor.addCommand(monaco.KeyMod.CtrlCmd | monaco.KeyCode.KeyS, () => {});
    return () => {
      editor.current = undefined;
      made.dispose();
    };
  }, []);

  useEffect(() => {
    if (!schema) return;
    service?.setSchema(schema);
    const model = editor.current?.getModel();
    if (model) void showErrors(model);
  }, [schema]);

  useEffect(() => {
    const model = editor.current?.getModel();
    if (model)
      monaco.editor.setModelMarkers(
        model,
        "server",
        findings.map((finding) => markerOf(model, finding)),
      );
  }, [findings]);

  useImperativeHandle(handle, () => ({
    setText: (text) => {
      if (editor.current && editor.current.getValue() !== text) replace(editor.current, text);
    },
    insert: (text) => {
      const now = editor.current;
      if (!now) return;
      const selection = now.getSelection() ?? new monaco.Selection(1, 1, 1, 1);
      now.pushUndoStop();
      now.executeEdits("insert", [{ range: selection, text, forceMoveMarkers: true }]);
      now.focus();
    },
    goTo: (lineNumber, column) => {
      editor.current?.setPosition({ lineNumber, column });
      editor.current?.revealLineInCenterIfOutsideViewport(lineNumber);
      editor.current?.focus();
    },
    format: () => void editor.current?.getAction("editor.action.formatDocument")?.run(),
  }));

  return (
    <div className={styles.frame}>
      <div ref={container} className={styles.editor} />
    </div>
  );
}

function create(element: HTMLElement, value: string) {
  service ??= new LanguageService();
  registerLanguage(service);
  const ends = [keepStyles(element), followColors()];
  const model = monaco.editor.createModel(value, LANGUAGE);
  model.setEOL(monaco.editor.EndOfLineSequence.LF);
  const editor = monaco.editor.create(element, {
    model,
    ariaLabel: "Query. Control and Enter runs it; Control and Space completes.",
    placeholder: "Resources | take 10",
    automaticLayout: true,
    contextmenu: false,
    fixedOverflowWidgets: true,
    folding: false,
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--mono"),
    fontSize: 13,
    lineDecorationsWidth: 6,
    lineNumbersMinChars: 3,
    links: false,
    minimap: { enabled: false },
    overviewRulerLanes: 0,
    padding: { top: 4, bottom: 4 },
    quickSuggestions: { other: true, comments: false, strings: false },
    renderLineHighlight: "none",
    scrollBeyondLastLine: false,
    scrollbar: { alwaysConsumeMouseWheel: false },
    suggest: { showStatusBar: false },
    // Tab leaves the editor, as it leaves everything else on the page.
    tabFocusMode: true,
    wordBasedSuggestions: "off",
    wordWrap: "on",
  });
  const grow = () => {
    const height = Math.min(MOST_PIXELS, Math.max(LEAST_PIXELS, editor.getContentHeight()));
    element.style.height = `${height}px`;
    editor.layout();
  };
  editor.onDidContentSizeChange(grow);
  grow();
  let rest: ReturnType<typeof setTimeout> | undefined;
  model.onDidChangeContent(() => {
    monaco.editor.setModelMarkers(model, "server", []);
    clearTimeout(rest);
    rest = setTimeout(() => void showErrors(model), REST_MILLISECONDS);
  });
  const dispose = () => {
    clearTimeout(rest);
    for (const end of ends) end();
    editor.dispose();
    model.dispose();
  };
  return { editor, dispose };
}

/** Replaces the text so that it can be undone. */
function replace(editor: monaco.editor.IStandaloneCodeEditor, text: string): void {
  const range = editor.getModel()?.getFullModelRange();
  if (!range) return;
  editor.pushUndoStop();
  editor.executeEdits("replace", [{ range, text }]);
  editor.pushUndoStop();
}

async function showErrors(model: monaco.editor.ITextModel): Promise<void> {
  const version = model.getVersionId();
  const errors = (await service?.ask("errors", { text: model.getValue() }).catch(() => undefined)) ?? [];
  if (model.isDisposed() || model.getVersionId() !== version) return;
  monaco.editor.setModelMarkers(
    model,
    "language",
    errors.map((error) => markerAt(model, error)),
  );
}

function markerAt(model: monaco.editor.ITextModel, { start, length, message, severity }: LanguageError) {
  const range = monaco.Range.fromPositions(
    model.getPositionAt(start),
    model.getPositionAt(start + Math.max(1, length)),
  );
  return { ...range, message, severity: SEVERITIES[severity] };
}

/** From where it is wrong to the end of the word. */
function markerOf(model: monaco.editor.ITextModel, { line, column, message }: Finding): monaco.editor.IMarkerData {
  const lineNumber = Math.min(Math.max(1, line), model.getLineCount());
  const word = model.getWordAtPosition({ lineNumber, column });
  return {
    startLineNumber: lineNumber,
    startColumn: column,
    endLineNumber: lineNumber,
    endColumn: Math.max(column + 1, word?.endColumn ?? 0),
    message,
    severity: SEVERITIES.error,
  };
}

const SEVERITIES = {
  error: monaco.MarkerSeverity.Error,
  warning: monaco.MarkerSeverity.Warning,
  hint: monaco.MarkerSeverity.Hint,
};
