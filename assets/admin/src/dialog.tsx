// Questions before something is done, and what came of it.
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ApiError, type Answer } from "./api";
import { refreshAll } from "./poll";
import { Store, useStore } from "./store";

interface Question {
  title: string;
  body: ComponentChildren;
  confirm: string; // the button's word
  danger?: boolean;
  decide: (yes: boolean) => void;
}
interface Notice {
  kind: "error" | "warning" | "done";
  text: string;
}

const question = new Store<Question | null>(null);
export const notice = new Store<Notice | null>(null);

export function confirmed(asked: Omit<Question, "decide">): Promise<boolean> {
  return new Promise((resolve) =>
    question.set({
      ...asked,
      decide: (yes) => {
        question.set(null);
        resolve(yes);
      },
    }),
  );
}

// Does something and says what came of it; warnings count as done. True if it was not refused.
export async function perform(what: string, work: () => Promise<Answer>): Promise<boolean> {
  try {
    const { message } = await work();
    notice.set(message ? { kind: "warning", text: `${what}: ${message}` } : { kind: "done", text: what });
    return true;
  } catch (error) {
    notice.set({ kind: "error", text: `${what}: ${(error as ApiError).message}` });
    return false;
  } finally {
    refreshAll();
  }
}

// The same for several things, a few at a time.
export async function performAll(what: string, works: (() => Promise<Answer>)[]): Promise<void> {
  const problems: string[] = [];
  let failures = 0;
  const waiting = [...works];
  const worker = async () => {
    for (let work = waiting.shift(); work; work = waiting.shift()) {
      try {
        const { message } = await work();
        if (message) problems.push(message);
      } catch (error) {
        failures += 1;
        problems.push((error as ApiError).message);
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  const done = `${what}: ${works.length - failures} of ${works.length}`;
  const shown = problems.slice(0, 5).join("\n");
  if (failures > 0) notice.set({ kind: "error", text: `${done}\n${shown}` });
  else if (problems.length > 0) notice.set({ kind: "warning", text: `${done}\n${shown}` });
  else notice.set({ kind: "done", text: done });
  refreshAll();
}

export function Modal(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement as HTMLElement | null;
    element.showModal();
    return () => {
      element.close();
      before?.focus?.();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === dialog.current && props.onClose()}
    >
      <div class="dialog-inner">
        <h2 id="dialog-title">{props.title}</h2>
        {props.children}
      </div>
    </dialog>
  );
}

export function QuestionDialog() {
  const asked = useStore(question);
  if (!asked) return null;
  return (
    <Modal title={asked.title} onClose={() => asked.decide(false)}>
      <div class="dialog-body">{asked.body}</div>
      <div class="dialog-buttons">
        <button onClick={() => asked.decide(false)}>Cancel</button>
        <button class={asked.danger ? "danger primary" : "primary"} autofocus onClick={() => asked.decide(true)}>
          {asked.confirm}
        </button>
      </div>
    </Modal>
  );
}

const doneMs = 4_000;

export function NoticeBar() {
  const shown = useStore(notice);
  useEffect(() => {
    if (shown?.kind !== "done") return;
    const timer = setTimeout(() => notice.set(null), doneMs);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div class="notice-place" role="status" aria-live="polite">
      {shown && (
        <div class={`notice ${shown.kind}`}>
          <span>{shown.text}</span>
          <button class="quiet" aria-label="Dismiss" onClick={() => notice.set(null)}>
            ✕
          </button>
        </div>
      )}
    </div>
  );
}
