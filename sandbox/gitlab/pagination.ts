import type { AppContext } from "./context.ts";
import { integer, parseParameters } from "./parameters.ts";
import { z } from "zod";

const pageSchema = z.object({ page: integer.optional(), per_page: integer.optional() });

/** The requested page, with the pagination headers. At most 100 records per page, by default 20. */
export function paginate<T>(c: AppContext, url: string, records: readonly T[]): T[] {
  const asked = parseParameters(pageSchema, c.get("parameters"));
  const page = Math.max(1, asked.page ?? 1);
  const perPage = Math.min(100, Math.max(1, asked.per_page ?? 20));
  const pages = Math.max(1, Math.ceil(records.length / perPage));
  const link = (relation: string, target: number) => {
    const address = new URL(c.req.url);
    const query = address.searchParams;
    for (const secret of ["private_token", "access_token"]) {
      query.delete(secret);
    }
    query.set("page", String(target));
    query.set("per_page", String(perPage));
    return `<${url}${address.pathname}?${query.toString()}>; rel="${relation}"`;
  };
  const links = [
    ...(page > 1 ? [link("prev", page - 1)] : []),
    ...(page < pages ? [link("next", page + 1)] : []),
    link("first", 1),
    link("last", pages),
  ];
  c.header("link", links.join(", "));
  c.header("x-page", String(page));
  c.header("x-per-page", String(perPage));
  c.header("x-prev-page", page > 1 ? String(page - 1) : "");
  c.header("x-next-page", page < pages ? String(page + 1) : "");
  c.header("x-total", String(records.length));
  c.header("x-total-pages", String(pages));
  return records.slice((page - 1) * perPage, page * perPage);
}
