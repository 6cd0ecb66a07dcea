import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef } from "react";
import { type Conversation, converse, type Evaluated } from "@/api/evaluate";
import type { Values } from "./rules";

/** How long typing has to rest before the server is asked, in milliseconds. */
const rest = 100;

/**
 * useEvaluation says what the parameters of a version are with inputs, and again when
 * they change. asking is true until the answer fits the newest inputs.
 */
export function useEvaluation(version: string, owner: string | undefined, inputs: Values) {
  const client = useQueryClient();
  const form = useId();
  const key = ["evaluated", form, version, owner ?? "me"];
  const { data } = useQuery<Evaluated>({
    queryKey: key,
    enabled: false,
    queryFn: () => Promise.reject(new Error("filled by the conversation")),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  const talk = useRef<Conversation>(undefined);
  const latest = useRef(inputs);
  latest.current = inputs;
  useEffect(() => {
    const open = converse(version, owner, (answer) =>
      client.setQueryData<Evaluated>(["evaluated", form, version, owner ?? "me"], (old) =>
        // A form stays as it was while the server cannot be asked.
        answer.error && old?.response ? { ...answer, response: old.response } : answer,
      ),
    );
    talk.current = open;
    open.ask(latest.current);
    return () => open.close();
  }, [client, form, version, owner]);
  const question = JSON.stringify(inputs);
  useEffect(() => {
    const timer = setTimeout(() => talk.current?.ask(JSON.parse(question) as Values), rest);
    return () => clearTimeout(timer);
  }, [question]);
  return { answer: data?.response, error: data?.error, asking: data?.question !== question };
}
