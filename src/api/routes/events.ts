// What happens to the director, as it happens: server-sent events (WHATWG HTML, section 9.2). Who comes back after an interruption says
// the last event that was seen, and gets those after it first.
//
//   event: server
//   id: 5f1c20aa-17
//   data: {"id":"5f1c20aa-17","at":"…","kind":"server","service":"tcp/10.0.0.100:80","server":"10.1.0.2:80","healthy":false,"reason":"…"}

import type { NumberedEvent } from "#model/events.js";
import { encodeEvent } from "../encode.js";
import type { Operations } from "../operations.js";
import type { Routes } from "../route.js";
import { Event, EventHeaders } from "../schemas/event.js";

/** Below the minute or so after which proxies let a silent connection go. */
const HEARTBEAT_MILLISECONDS = 15_000;
/** Of events that a listener does not take, beyond what was kept for it; it is sent away then, and may come back for those that are kept. */
const WAITING_MAX = 2048;
const RETRY_MILLISECONDS = 1000;

export function addEventRoutes(routes: Routes, { events }: Operations, heartbeatMilliseconds = HEARTBEAT_MILLISECONDS): void {
  routes.add({
    method: "get", path: "/v1/events", id: "events.listen", summary: "What happens to the director, as it happens", headers: EventHeaders, media: { "text/event-stream": Event },
  }, ({ context }) => {
    const from = resumeFrom(events, context.req.header("last-event-id"));
    return new Response(streamOf(events, from, heartbeatMilliseconds), { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
  });
}

interface Resume {
  readonly after: number;
  /** Events that were not seen are no longer kept, or were another run's. */
  readonly missed: boolean;
}

function resumeFrom(events: Operations["events"], lastId: string | undefined): Resume {
  if (lastId === undefined || lastId === "") return { after: events.last, missed: false };
  const [, run, number] = /^([0-9a-f]+)-(\d{1,15})$/.exec(lastId) ?? [];
  if (run !== events.run || Number(number) > events.last) return { after: 0, missed: true };
  return { after: Number(number), missed: events.since(Number(number)).missed };
}

/** Nobody listens before somebody reads: of an answer to HEAD nobody does. */
function streamOf(events: Operations["events"], resume: Resume, heartbeatMilliseconds: number): ReadableStream<Uint8Array> {
  let end: (() => void) | undefined;
  return new ReadableStream<Uint8Array>({
    pull: (controller) => void (end ??= tellEvents(controller, events, resume, heartbeatMilliseconds)),
    cancel: () => end?.(),
  }, { highWaterMark: 0 });
}

/** Gives what ends it. */
function tellEvents(controller: ReadableStreamDefaultController<Uint8Array>, events: Operations["events"], { after, missed }: Resume, heartbeatMilliseconds: number): () => void {
  const encoder = new TextEncoder();
  const send = (text: string): void => controller.enqueue(encoder.encode(text));
  const textOf = (event: NumberedEvent): string => formatEvent(encodeEvent(event, `${events.run}-${event.number}`));
  const sendLive = (text: string): void => {
    if ((controller.desiredSize ?? 0) > -WAITING_MAX) return send(text);
    end();
    controller.close();
  };
  send(`: weir\nretry: ${RETRY_MILLISECONDS}\n\n`);
  const { events: kept } = events.since(after);
  if (missed) send(formatEvent({ id: `${events.run}-${(kept[0]?.number ?? events.last + 1) - 1}`, at: new Date().toISOString(), kind: "missed" }));
  kept.forEach((event) => send(textOf(event)));
  const unsubscribe = events.subscribe((event) => sendLive(textOf(event)));
  const heartbeat = setInterval(() => sendLive(": still here\n\n"), heartbeatMilliseconds).unref();
  const end = (): void => {
    clearInterval(heartbeat);
    unsubscribe();
  };
  return end;
}

const formatEvent = (event: Event): string => `event: ${event.kind}\nid: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`;
