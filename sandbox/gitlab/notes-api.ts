import { Hono } from "hono";
import { z } from "zod";
import { authenticated } from "./auth.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { forbidden, notFound } from "./errors.ts";
import type { User } from "./model.ts";
import { paginate } from "./pagination.ts";
import { parseParameters } from "./parameters.ts";
import { maintains } from "./permissions.ts";
import { presentUser, time } from "./present.ts";
import type { GitLabStore } from "./store.ts";

interface Note {
  readonly id: number;
  body: string;
  readonly author: User;
  readonly createdAt: number;
  updatedAt: number;
}

const bodySchema = z.object({ body: z.string().min(1) });

/**
 * Notes of merge requests. The emulator has no merge requests; one is assumed to exist as soon as it gets a note.
 * Who maintains the project may also change a note of someone else.
 * Sources: https://docs.gitlab.com/api/notes/#merge-requests, https://docs.gitlab.com/user/discussions/#edit-a-comment
 */
export function notesApi(store: GitLabStore): Hono<AppEnv> {
  const api = new Hono<AppEnv>();
  const user = authenticated(store);
  const notes = new Map<string, Note[]>();
  let lastId = 0;

  const notesOf = (c: AppContext): Note[] => {
    const project = store.findProject(c.req.param("id") ?? "");
    if (!project) {
      throw notFound("Project");
    }
    if (!maintains(store, c.get("caller").user, project)) {
      throw forbidden();
    }
    const key = `${project.id}!${c.req.param("iid") ?? ""}`;
    const found = notes.get(key) ?? [];
    notes.set(key, found);
    return found;
  };
  const present = (c: AppContext, { id, body, author, createdAt, updatedAt }: Note) => ({
    id,
    body,
    author: presentUser(store, author),
    created_at: time(createdAt),
    updated_at: time(updatedAt),
    system: false,
    noteable_type: "MergeRequest",
    noteable_iid: Number(c.req.param("iid")),
    resolvable: false,
    internal: false,
  });

  api.get("/projects/:id/merge_requests/:iid/notes", user, (c) =>
    c.json(paginate(c, store.url, notesOf(c).toReversed()).map((note) => present(c, note))),
  );
  api.post("/projects/:id/merge_requests/:iid/notes", user, (c) => {
    const { body } = parseParameters(bodySchema, c.get("parameters"));
    const now = store.now();
    const note = { id: (lastId += 1), body, author: c.get("caller").user, createdAt: now, updatedAt: now };
    notesOf(c).push(note);
    return c.json(present(c, note), 201);
  });
  api.put("/projects/:id/merge_requests/:iid/notes/:note_id", user, (c) => {
    const { body } = parseParameters(bodySchema, c.get("parameters"));
    const note = notesOf(c).find(({ id }) => id === Number(c.req.param("note_id")));
    if (!note) {
      throw notFound("Note");
    }
    note.body = body;
    note.updatedAt = store.now();
    return c.json(present(c, note));
  });
  return api;
}
