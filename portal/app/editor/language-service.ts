/** The page's end of the worker with the language service: questions, and answers when they come. */
import bridge from "@kusto/language-service-next/bridge.min.js?url";
import kusto from "@kusto/language-service-next/Kusto.Language.Bridge.min.js?url";
import type { Answered, EditorSchema, Question, Questions } from "./protocol";

export class LanguageService {
  private readonly worker = new Worker(new URL("./kusto.worker.ts", import.meta.url), { name: "kusto" });
  private readonly waiting = new Map<number, { done: (answer: unknown) => void; failed: (why: Error) => void }>();
  private last = 0;

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Answered>) => {
      const asked = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.failed === undefined) asked?.done(data.answer);
      else asked?.failed(new Error(data.failed));
    };
    this.worker.onerror = () => this.giveUp("The language service could not be loaded.");
    const scripts = [bridge, kusto].map((url) => new URL(url, location.href).href);
    this.worker.postMessage({ scripts });
  }

  setSchema(schema: EditorSchema): void {
    this.ask("schema", schema).catch(() => undefined);
  }

  /** Rejects when the service failed; an editor goes on without what it asked for. */
  ask<Q extends Question>(question: Q, ask: Questions[Q]["ask"]): Promise<Questions[Q]["answer"]> {
    this.last += 1;
    const id = this.last;
    return new Promise<unknown>((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.worker.postMessage({ id, question, ask });
    }) as Promise<Questions[Q]["answer"]>;
  }

  private giveUp(why: string): void {
    for (const { failed } of this.waiting.values()) failed(new Error(why));
    this.waiting.clear();
  }
}
