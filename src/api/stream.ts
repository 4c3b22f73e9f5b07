// Long answers, piece by piece: what the other side has not taken is not made.

/** Other requests have their turn after so many. */
const PIECES_AT_ONCE = 1000;

export function linesOf(pieces: Iterable<string>, mediaType: string): Response {
  const iterator = pieces[Symbol.iterator]();
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise(setImmediate);
      let text = "";
      for (let i = 0; i < PIECES_AT_ONCE; i++) {
        const { value, done } = iterator.next();
        if (done === true) {
          if (text !== "") controller.enqueue(encoder.encode(text));
          return controller.close();
        }
        text += value;
      }
      controller.enqueue(encoder.encode(text));
    },
    cancel: () => void iterator.return?.(),
  });
  return new Response(body, { headers: { "content-type": mediaType } });
}
