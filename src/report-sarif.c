/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report-sarif.c - findings in SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format)
 *
 * One run, whatever there is to judge: GitHub takes 20 of them at most. It demands of each result a
 * place in a file, and for this machine's functions that is their folder in sysfs.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "lnkinspect.h"

#define SCHEMA                                                                                     \
	"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"                      \
	"sarif-schema-2.1.0.json"

static bool is_invoked; /* invocations[0] is open */

static int put(FILE *to, json_t *value)
{
	int rc = 0;

	errno = 0;
	if (json_dumpf(value, to, JSON_COMPACT))
		rc = errno ? -errno : -EIO;
	json_decref(value);
	return rc;
}

static const char *level_token(enum lnk_severity s)
{
	static const char *const tokens[] = {
		[LNK_INFO] = "note",
		[LNK_NOTICE] = "note",
		[LNK_WARNING] = "warning",
		[LNK_ERROR] = "error",
	};

	return tokens[s];
}

/* SARIF 3.11.5: a brace is doubled, or it is a placeholder's. */
static json_t *message(struct lnk_arena *a, const char *s)
{
	char *text = lnk_alloc(a, 2 * strlen(s) + 1), *p = text;

	for (; *s; s++) {
		*p++ = *s;
		if (*s == '{' || *s == '}')
			*p++ = *s;
	}
	return json_pack("{s:s}", "text", text);
}

/* ---- Rules ---------------------------------------------------------------------------------- */

static json_t *rule(const struct lnk_rule *r)
{
	struct lnk_arena a = {0};
	json_t *o = json_pack("{s:s,s:s,s:o,s:o,s:o,s:{s:s}}", "id", r->id, "name", r->title,
			      "shortDescription", message(&a, r->title), "fullDescription",
			      message(&a, r->why), "help", message(&a, *r->fix ? r->fix : r->why),
			      "defaultConfiguration", "level", level_token(r->severity));

	lnk_arena_free(&a);
	return o;
}

static size_t index_of(const struct lnk_rule *r)
{
	size_t i = 0;

	while (lnk_rules[i] != r)
		i++;
	return i;
}

/* ---- Places --------------------------------------------------------------------------------- */

/* RFC 3986: a path, relative or of a file on this machine. ":" would be a scheme's in the first. */
static const char *path_uri(struct lnk_arena *a, const char *path, size_t n)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	const char *scheme = n && *path == '/' ? "file://" : "";
	char *uri = lnk_alloc(a, strlen(scheme) + 3 * n + 1), *p = stpcpy(uri, scheme);
	size_t i;

	for (i = 0; i < n; i++)
		if (strchr(plain, path[i]))
			*p++ = path[i];
		else
			p += sprintf(p, "%%%02X", (unsigned char)path[i]);
	return uri;
}

static const char *uri_of(struct lnk_arena *a, const struct lnk_model *m, const struct lnk_fn *f)
{
	const char *source;
	char at[LNK_ADDR_LEN];
	size_t n;

	if (m->env.live) {
		source = f ? lnk_strf(a, "sys/bus/pci/devices/%s", lnk_addr_str(f->addr, at)) :
			     "sys/bus/pci/devices";
		return path_uri(a, source, strlen(source));
	}
	n = lnk_source_length(m);
	return n ? path_uri(a, m->source, n) : path_uri(a, "-", 1);
}

static json_t *location(struct lnk_arena *a, const struct lnk_model *m, const struct lnk_fn *f)
{
	uint32_t line = f && f->line ? f->line : m->line;
	json_t *o =
		json_pack("{s:{s:{s:s},s:{s:I}}}", "physicalLocation", "artifactLocation", "uri",
			  uri_of(a, m, f), "region", "startLine", (json_int_t)(line ? line : 1));
	char at[LNK_ADDR_LEN];

	if (f)
		json_object_set_new(o, "logicalLocations",
				    json_pack("[{s:s,s:s}]", "fullyQualifiedName",
					      lnk_addr_str(f->addr, at), "kind", lnk_kind_name(f)));
	return o;
}

static json_t *related(struct lnk_arena *a, const struct lnk_model *m, const struct lnk_finding *f)
{
	const struct lnk_fn *ends[] = {f->above, f->below, f->other};
	json_t *list = json_array();
	size_t i, id = 0;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		json_t *o;

		if (!ends[i] || ends[i] == f->fn)
			continue;
		o = location(a, m, ends[i]);
		json_object_set_new(o, "id", json_integer((json_int_t)++id));
		json_object_set_new(o, "message", message(a, lnk_kind_name(ends[i])));
		json_array_append_new(list, o);
	}
	return list;
}

/* ---- Results -------------------------------------------------------------------------------- */

static json_t *properties(struct lnk_arena *a, const struct lnk_model *m,
			  const struct lnk_finding *f)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < f->n_evidence; i++)
		json_array_append_new(list, json_string(lnk_evidence_str(a, &f->evidence[i])));
	return json_pack("{s:s,s:s,s:s?,s:s,s:o}", "severity", lnk_severity_name(f->severity),
			 "fix", lnk_remedy_words(a, m, f), "here", f->here, "source",
			 m->source ? m->source : "-", "evidence", list);
}

/* SARIF 3.27.23: all results of a run have it, or none. */
static void set_suppressions(json_t *o, const struct lnk_finding *f)
{
	json_t *list;

	if (f->held == LNK_HELD_NEVER)
		return;
	list = json_array();
	if (f->held == LNK_HELD_EXPECTED)
		json_array_append_new(list, json_pack("{s:s,s:s}", "kind", "external",
						      "justification", "expected"));
	json_object_set_new(o, "suppressions", list);
}

static json_t *result(const struct lnk_model *m, const struct lnk_finding *f)
{
	struct lnk_arena a = {0};
	json_t *o =
		json_pack("{s:s,s:I,s:s,s:o,s:[o],s:o,s:{s:s},s:o}", "ruleId", f->rule->id,
			  "ruleIndex", (json_int_t)index_of(f->rule), "level",
			  level_token(f->severity), "message", message(&a, lnk_finding_line(&a, f)),
			  "locations", location(&a, m, f->fn), "relatedLocations",
			  related(&a, m, f), "partialFingerprints", LNK_NAME "/v1",
			  lnk_finding_name(&a, f), "properties", properties(&a, m, f));

	if (o)
		set_suppressions(o, f);
	lnk_arena_free(&a);
	return o;
}

static int put_capture(FILE *to, const struct lnk_view *v, const struct lnk_model *m)
{
	int rc = 0;
	size_t i;

	(void)v;
	for (i = 0; i < m->n_findings && !rc; i++) {
		fputs(i ? ",\n" : "\n", to);
		rc = put(to, result(m, &m->findings[i]));
	}
	return rc;
}

/* ---- What is expected ----------------------------------------------------------------------- */

static json_t *notification(const struct lnk_expectation *e, const struct lnk_expect_item *item)
{
	struct lnk_arena a = {0};
	bool is_missing = item->state == LNK_EXPECT_MISSING;
	const char *words = lnk_strf(&a, "%s:%u: %s: expected, %s", e->file, item->line, item->text,
				     is_missing ? "not found" : "cannot tell");
	json_t *o = json_pack("{s:s,s:o,s:{s:s,s:I}}", "level", is_missing ? "error" : "warning",
			      "message", message(&a, words), "associatedRule", "id", item->rule->id,
			      "index", (json_int_t)index_of(item->rule));

	lnk_arena_free(&a);
	return o;
}

static int put_expectation(FILE *to, const struct lnk_view *v, const struct lnk_expectation *e)
{
	const char *comma = "";
	int rc = 0;
	size_t i;

	(void)v;
	is_invoked = true;
	fputs("],\n\"invocations\":[{\"toolExecutionNotifications\":[", to);
	for (i = 0; i < e->n_items && !rc; i++) {
		if (e->items[i].state == LNK_EXPECT_FOUND)
			continue;
		fprintf(to, "%s\n", comma);
		comma = ",";
		rc = put(to, notification(e, &e->items[i]));
	}
	fputs("],", to);
	return rc;
}

/* ---- The format ----------------------------------------------------------------------------- */

static int begin(FILE *to, const struct lnk_view *v)
{
	int rc = 0;
	size_t i;

	(void)v;
	is_invoked = false;
	fputs("{\"$schema\":\"" SCHEMA "\",\n\"version\":\"2.1.0\",\n"
	      "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"" LNK_NAME
	      "\",\"version\":\"" LNK_VERSION "\",\"rules\":[",
	      to);
	for (i = 0; i < lnk_n_rules && !rc; i++) {
		fputs(i ? ",\n" : "\n", to);
		rc = put(to, rule(lnk_rules[i]));
	}
	fputs("]}},\n\"results\":[", to);
	return rc;
}

static void between(FILE *to, const struct lnk_view *v)
{
	(void)v;
	fputc(',', to);
}

static int end(FILE *to, const struct lnk_view *v, int status)
{
	static const char *const words[] = {
		[0] = "nothing found",
		[1] = "findings",
		[2] = "not all input could be read",
		[3] = "nothing found, but links could not be compared",
	};

	(void)v;
	if (!is_invoked)
		fputs("],\n\"invocations\":[{", to);
	if (fprintf(to,
		    "\"executionSuccessful\":%s,\"exitCode\":%d,\"exitCodeDescription\":\"%s\"}]}]}"
		    "\n",
		    status == 2 ? "false" : "true", status, words[status]) < 0)
		return -errno;
	return 0;
}

const struct lnk_format lnk_format_sarif = {
	.name = "sarif",
	.help = "findings in SARIF 2.1.0, as GitHub takes them",
	.findings_only = true,
	.begin = begin,
	.between = between,
	.write = put_capture,
	.expect = put_expectation,
	.end = end,
};
