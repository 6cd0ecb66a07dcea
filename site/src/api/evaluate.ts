import { socketURL } from "./base";
import { ApiError, address, request } from "./client";
import { connection } from "./connection";
import type { DynamicParametersResponse } from "./generated";

/** What a form has been told: the parameters for the inputs of question, or why there are none. */
export interface Evaluated {
  /** question are the inputs as JSON text. */
  question: string;
  response?: DynamicParametersResponse;
  error?: ApiError;
}

/** An open form. ask may be called at every key: the newest question wins. */
export interface Conversation {
  ask: (inputs: Record<string, string>) => void;
  close: () => void;
}

/** The answer to what nobody asked: the parameters without any input. */
const unasked = -1;

/** A question that has no answer after so long, in milliseconds, is asked without the websocket. */
const patience = 4_000;

/** evaluate asks once, without a websocket. It throws an ApiError. */
export function evaluate(version: string, owner: string | undefined, inputs: Record<string, string>) {
  return request("POST /api/v2/templateversions/{templateversion}/dynamic-parameters/evaluate", {
    path: { templateversion: version },
    body: { id: 1, inputs, ...(owner ? { owner_id: owner } : {}) },
  });
}

/**
 * converse keeps a websocket on which the server says what the parameters of a
 * version are for changing inputs. Where there is no websocket it asks one request
 * at a time and tries the websocket again. Answers that came too late are dropped.
 */
export function converse(version: string, owner: string | undefined, tell: (answer: Evaluated) => void): Conversation {
  const questions = new Map<number, string>();
  let socket: WebSocket | undefined;
  let inputs: Record<string, string> = {};
  let question = "{}";
  let serial = 0;
  let heard = 0;
  let tries = 0;
  let over = false;
  let asking: AbortController | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let late: ReturnType<typeof setTimeout> | undefined;

  const byRequest = async () => {
    asking?.abort();
    const mine = new AbortController();
    asking = mine;
    const text = question;
    try {
      const response = await evaluate(version, owner, inputs);
      if (mine.signal.aborted) return;
      heard = serial; // what the websocket still says is older
      tell({ question: text, response });
    } catch (error) {
      if (mine.signal.aborted || !(error instanceof ApiError)) return;
      if (error.status === 403 || error.status === 404) clearTimeout(retry); // a websocket would say the same
      tell({ question: text, error });
    }
  };
  const send = () => {
    clearTimeout(late);
    if (socket?.readyState !== WebSocket.OPEN) {
      if (socket?.readyState !== WebSocket.CONNECTING) void byRequest();
      return;
    }
    questions.set(++serial, question);
    socket.send(JSON.stringify({ id: serial, inputs, ...(owner ? { owner_id: owner } : {}) }));
    late = setTimeout(() => void byRequest(), patience);
  };
  const hear = (response: DynamicParametersResponse) => {
    tries = 0;
    if (response.id === unasked) {
      if (question !== "{}") return;
      clearTimeout(late);
      tell({ question, response });
      return;
    }
    const asked = questions.get(response.id);
    if (asked === undefined || response.id <= heard) return;
    heard = response.id;
    for (const id of questions.keys()) if (id <= heard) questions.delete(id);
    if (response.id === serial) clearTimeout(late);
    asking?.abort();
    tell({ question: asked, response });
  };
  const open = () => {
    clearTimeout(retry);
    const query = owner ? { user_id: owner } : {};
    const path = address("GET /api/v2/templateversions/{templateversion}/dynamic-parameters", {
      path: { templateversion: version },
      query,
    });
    const ws = new WebSocket(socketURL(path));
    socket = ws;
    clearTimeout(late);
    late = setTimeout(() => void byRequest(), patience);
    ws.onopen = () => {
      connection.worked();
      if (question !== "{}") send();
    };
    ws.onmessage = (event: MessageEvent<string>) => {
      try {
        hear(JSON.parse(event.data) as DynamicParametersResponse);
      } catch {
        // not of our protocol
      }
    };
    ws.onclose = () => {
      if (over || socket !== ws) return;
      clearTimeout(late);
      retry = setTimeout(open, Math.min(15_000, 1000 * 2 ** tries++));
      void byRequest();
    };
  };
  const leave = connection.onBack(() => {
    if (!over && socket?.readyState === WebSocket.CLOSED) open();
  });
  open();
  return {
    ask: (next) => {
      const text = JSON.stringify(next);
      if (text === question) return; // the first answer comes unasked
      inputs = next;
      question = text;
      send();
    },
    close: () => {
      over = true;
      leave();
      asking?.abort();
      clearTimeout(retry);
      clearTimeout(late);
      socket?.close();
    },
  };
}
