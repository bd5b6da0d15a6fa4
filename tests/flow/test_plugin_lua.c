/* Rules in Lua (plugins/lua): methods as functions, edits, vetoes, and scripts that would hurt. */
#include "flow/plugin_files.h"

#include <sys/stat.h>

#define LUA "plugins/lua/lua.so"
#define SETS_OF_ALICE ALPHA_JSON "users/alice/oauth2/resources/sets"

static const char *script_file(struct us_world *w, const char *script) {
  static unsigned count;
  const char *path = us_text(w, "/tmp/usher-lua-%d-%u.lua", (int)getpid(), count++);
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs(script, out);
  assert_int_equal(fclose(out), 0);
  chmod(path, 0600);
  return path;
}

/* `more` are further members of the configuration, each behind a comma. */
static void load_script(struct us_world *w, const char *script, const char *more) {
  const char *path = script_file(w, script);
  load_file(w, LUA, us_text(w, "{\"script\":\"%s\"%s}", path, more));
  unlink(path);
}

/* The server does not start with it. */
static void assert_no_start(struct us_world *w, const char *script) {
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  const char *path = script_file(w, script);
  assert_int_equal(try_file(w, LUA, us_text(w, "{\"script\":\"%s\"}", path), &cx), US_E_INVALID_REQUEST);
  assert_non_null(strstr(cx.err.text.p, "does not start"));
  unlink(path);
  us_mem_free(cx.mem);
}

static void edits_and_vetoes_by_functions(void **state) {
  struct us_world *w = *state;
  load_script(w,
              "function beforeResourceRegistration(resource)\n"
              "  assert(resource.owner == 'alice' and resource.resource_scopes[1] == 'view')\n"
              "  if resource.name == 'forbidden' then return veto{status=409, error='taken', message='no', "
              "detail={a={1,2}}} end\n"
              "  if resource.name == 'raised' then error(veto{message='raised'}) end\n"
              "  resource.name = config.prefix .. resource.name\n"
              "  resource:set('/resource_scopes/-', 'print')\n"
              "end\n"
              "function beforeResourceShared(policy)\n"
              "  policy:grant('carol', {'view'})\n"
              "  assert(policy.permissions[2].subject == 'carol' and policy.resource.name == 'my album')\n"
              "end\n"
              "function beforeQueryResourceSets(user, filter)\n"
              "  assert(user == 'alice')\n"
              "  return filter_and(filter, 'name sw \"my\"')\n"
              "end\n",
              ",\"prefix\":\"my \"");
  const char *pat = us_pat(w, "alice", RS1),
             *id = us_register(w, pat, "{\"name\":\"album\",\"resource_scopes\":[\"view\"]}");
  struct us_reply r = us_with_pat(w, "GET", set_url(w, id), pat, NULL);
  assert_string_equal(us_reply_str(&r, "name"), "my album");
  assert_int_equal(json_array_size(json_object_get(r.json, "resource_scopes")), 2);
  r = us_with_pat(w, "POST", SETS, pat, "{\"name\":\"forbidden\",\"resource_scopes\":[\"view\"]}");
  assert_error(r, 409, "taken");
  assert_int_equal(json_array_size(json_object_get(r.json, "a")), 2);
  r = us_with_pat(w, "POST", SETS, pat, "{\"name\":\"raised\",\"resource_scopes\":[\"view\"]}");
  assert_error(r, 403, "access_denied");
  assert_string_equal(us_reply_str(&r, "error_description"), "raised");
  us_share(w, "alice", id, "bob", "[\"view\"]");
  rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "carol", C1), NULL));
  r = us_with_sso(w, "GET", SETS_OF_ALICE "?_queryFilter=true", us_sso(w, "alice"), NULL, NULL);
  assert_int_equal(us_reply_int(&r, "resultCount"), 1);
}

/* Every method has its arguments; what is told is told. */
static void all_methods_have_their_arguments(void **state) {
  struct us_world *w = *state;
  load_script(
      w,
      "local seen = {}\n"
      "local function see(name) seen[#seen + 1] = name end\n"
      "function afterResourceRegistration(resource) see('2' .. resource.name) end\n"
      "function onPermissionRequest(resource, scopes, client) see('3' .. resource.name .. #scopes .. client) end\n"
      "function beforeAuthorization(t, party, owner, scopes) see('4' .. party.name .. owner.claims.sub .. scopes[1]) "
      "end\n"
      "function afterSuccessfulAuthorization(t, party, owner, asked, got) see('5' .. t.client_id .. #asked .. #got) "
      "end\n"
      "function afterFailedAuthorization(t, party, owner, asked) see('6' .. party.universal_id) end\n"
      "function afterResourceShared(policy) see('8' .. policy.sharer) end\n"
      "function beforeResourceSharedModification(old, new)\n"
      "  see('9' .. old.permissions[1].scopes[1] .. new.permissions[1].scopes[1])\n"
      "end\n"
      "function onResourceSharedDeletion(policy)\n"
      "  see('10')\n"
      "  return veto{message=table.concat(seen, ';')}\n"
      "end\n",
      "");
  const char *pat = us_pat(w, "alice", RS1), *id = us_register(w, pat, ALBUM), *sso = us_sso(w, "alice");
  wait_told();
  us_share(w, "alice", id, "bob", "[\"view\"]");
  wait_told();
  rpt_of(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "bob", C1), NULL));
  wait_told();
  expect_error(us_grant(w, C1, ask_for(w, pat, id, "[]"), us_id_token(w, "carol", C1), "&scope=edit"), 400,
               "invalid_scope");
  expect_error(us_grant(w, C1, ask_for(w, pat, id, "[\"view\"]"), us_id_token(w, "carol", C1), NULL), 403,
               "request_submitted");
  wait_told();
  expect_status(put_policy(w, sso, id, "If-Match: *", TO_BOB("[\"edit\"]"), NULL), 200);
  struct us_reply r = us_with_sso(w, "DELETE", policy_url(w, id), sso, NULL, NULL);
  assert_rest(r, 403,
              "2album;8alice;3album1" RS1 ";4bobaliceview;5" C1 "11;3album0" RS1 ";3album1" RS1
              ";4carolaliceview;6id=carol,ou=user,o=alpha,ou=services,dc=usher;9viewedit;10");
}

/* A script that does cases[i] when the resource of case_resource(i) comes. */
static void load_cases(struct us_world *w, const char *method, const char *const *cases, size_t n, const char *more) {
  const char *script = us_text(w, "function %s(resource)\n", method);
  for (size_t i = 0; i < n; i++)
    script = us_text(w, "%sif resource.name == 'bad%zu' then %s end\n", script, i, cases[i]);
  load_script(w, us_text(w, "%send\n", script), more);
}
static const char *case_resource(struct us_world *w, size_t i) {
  return us_text(w, "{\"name\":\"bad%zu\",\"resource_scopes\":[\"view\"]}", i);
}

/* A failure is a 500 and nothing happens; the next call is served. */
static void what_goes_wrong_is_a_failure_of_one_call(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {
      "error('x')",
      "return 7",
      "return 'text'",
      "resource.owner = 'bob'",
      "resource.name = {}",
      "resource.name = function() end",
      "local t = {} t.t = t resource:set('/name', t)",
      "x = 1",
      "string.x = 1",
      "string.rep = nil",
      "while true do end",
      "while true do pcall(error) end",
      "local function f() while true do pcall(f) end end f()",
      "local s = 'x' while true do s = s .. s end",
      "local t = {} while true do t[#t + 1] = {} end",
      "return string.rep('x', 1 << 40)",
      "return ('x'):rep(1 << 20):rep(1 << 20)",
      "return string.rep('', 1 << 60)",
      "return ('a'):rep(30000):find('.-.-.-.-b')",
      "table.sort({3, 2, 1}, function() error('in sort') end)",
      "return nothing.here",
      "error({})",
      "error()",
      "veto(1)",
      "json.encode(error)",
      "json.decode('{')",
      "filter_and('name eq', 'true')",
  };
  load_cases(w, "beforeResourceRegistration", bad, sizeof(bad) / sizeof(bad[0]),
             ",\"memory_bytes\":2097152,\"instructions\":200000");
  const char *pat = us_pat(w, "alice", RS1);
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct us_reply r = us_with_pat(w, "POST", SETS, pat, case_resource(w, i));
    if (r.status != 500)
      fail_msg("%s: %d %s", bad[i], r.status, r.body);
    us_register(w, pat, us_text(w, "{\"name\":\"good%zu\",\"resource_scopes\":[\"view\"]}", i));
  }
}

/* Functions of the libraries that could run for hours within one instruction, or take memory that is not counted, refuse that at once; and
 * take what is as large as they allow. */
static void what_would_cost_too_much_is_refused_before_it_begins(void **state) {
  struct us_world *w = *state;
  load_script(w,
              "local function refused(why, f, ...)\n"
              "  local ok, message = pcall(f, ...)\n"
              "  assert(not ok and message:find(why, 1, true), message)\n"
              "end\n"
              "local function nested(n) local t = {} for i = 1, n do t = {t, t} end return t end\n"
              "local function check()\n" /* as the script begins, where no deadline of a request is near */
              "  local a = ('a'):rep(99999)\n"
              "  assert(not a:find(('b'):rep(15999), 1, true))\n"
              "  refused('too long', a.find, a, ('b'):rep(16000), 1, true)\n"
              "  assert(not a:find('.' .. ('b'):rep(15998)))\n"
              "  refused('too long', a.find, a, '.' .. ('b'):rep(15999))\n"
              "  local function texts(bytes)\n"
              "    local text, t = ('a'):rep(bytes), {}\n"
              "    for i = 1, 1023 do t[i] = text end\n"
              "    return t\n"
              "  end\n"
              "  table.sort(texts(9774))\n"
              "  refused('too long', table.sort, texts(9775))\n"
              "  refused('function of the script', table.sort, {2, 1}, string.lower)\n"
              "  assert(json.encode(('xx'):rep(524284)))\n"
              "  refused('too much', json.encode, ('xx'):rep(524284) .. 'x')\n"
              "  refused('too much', json.encode, {[('xx'):rep(524280) .. 'x'] = 1})\n"
              "  assert(json.encode(nested(15)))\n"
              "  refused('too much', json.encode, nested(30))\n"
              "  assert(#json.decode('\"' .. ('x'):rep(262142) .. '\"') == 262142)\n"
              "  refused('more than', json.decode, '\"' .. ('x'):rep(262143) .. '\"')\n"
              "end\n"
              "check()\n"
              "function beforeResourceRegistration(resource)\n"
              "  refused('cannot be written', resource.set, resource, '/name', nested(30))\n"
              "end\n",
              "");
  us_register(w, us_pat(w, "alice", RS1), ALBUM);
}

/* What the host has no memory left for is not nil, which a rule would take for an absent member. */
static void what_cannot_be_read_is_a_failure(void **state) {
  struct us_world *w = *state;
  load_script(w,
              "function beforeResourceRegistration(resource)\n"
              "  assert(resource.type == nil)\n"
              "  for i = 1, 1000 do\n"
              "    if not resource.description then return veto{} end\n"
              "  end\n"
              "end\n",
              "");
  static const size_t rooms[] = {64 * 1024 * 1024, 256 * 1024, 32 * 1024};
  for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
    void *mem = us_mem_root_new(0, rooms[i]);
    struct us_hook_watch watch = {0};
    struct us_ask ask = {.hook = US_HOOK_BEFORE_RESOURCE_REGISTRATION, .doc_count = 1};
    us_doc_init(&ask.docs[0], US_DOC_RESOURCE, true);
    ask.docs[0].text = us_str_c(us_text(w, "{\"description\":\"%01000d\"}", 0));
    us_hooks_ask(from_files, &ask, mem, &watch);
    assert_int_equal(ask.verdict, i == 0 ? US_VERDICT_OK : US_VERDICT_FAIL);
    us_ask_done(&ask);
    us_mem_free(mem);
  }
}

/* Nobody waits for what is told afterwards, and so it has a time of its own; which holds within a thousand instructions, too, where only
 * the functions of the libraries look at the clock. */
static void after_methods_end_in_time(void **state) {
  struct us_world *w = *state;
  load_script(w,
              "local text = ('a'):rep(9000)\n"
              "function afterResourceRegistration(resource)\n"
              "  if resource.name == 'loop' then while true do end end\n"
              "  for i = 1, 100 do pcall(text.find, text, '.-b') end\n"
              "end\n",
              ",\"instructions\":9223372036854775807,\"milliseconds\":20");
  const char *pat = us_pat(w, "alice", RS1);
  static const char *const names[] = {"loop", "patterns"};
  for (size_t i = 0; i < 2; i++) {
    log_take();
    us_register(w, pat, us_text(w, "{\"name\":\"%s\",\"resource_scopes\":[\"view\"]}", names[i]));
    wait_told();
    assert_non_null(strstr(log_taken(w), "the deadline has passed"));
  }
}

/* What scripts must not have is not there, nor a way to it. */
static void the_world_outside_is_not_there(void **state) {
  struct us_world *w = *state;
  load_script(w,
              "for _, name in ipairs{'os', 'io', 'package', 'require', 'debug', 'coroutine', 'load', 'loadstring', "
              "'loadfile', 'dofile',\n"
              "    'setmetatable', 'getmetatable', 'rawset', 'collectgarbage', 'print', '_G'} do\n"
              "  local ok, value = pcall(function() return _ENV[name] end)\n"
              "  assert(value == nil, name)\n"
              "end\n"
              "assert(string.dump == nil and table.move == nil)\n"
              "function beforeResourceRegistration(resource)\n"
              "  assert(not pcall(function() _ENV.x = 1 end))\n"
              "  assert(not pcall(function() string.format = nil end))\n"
              "  assert(('x'):rep(3) == 'xxx' and ('  a b '):match('^%s*(.-)%s*$') == 'a b')\n"
              "  assert(json.encode(json.decode('{\"a\":[1,2.5,\"x\",true]}')):find('2.5', 1, true))\n"
              "  assert(now_ms() > 0 and math.floor(1.5) == 1 and utf8.char(228) == '\\u{e4}')\n"
              "  resource.name = nil\n"
              "end\n",
              "");
  us_register(w, us_pat(w, "alice", RS1), ALBUM);
}

/* State of the script's own lives in locals; objects of a call end with it. */
static void objects_end_with_their_call(void **state) {
  struct us_world *w = *state;
  load_script(w,
              "local kept\n"
              "function beforeResourceRegistration(resource)\n"
              "  if kept then\n"
              "    local ok, message = pcall(function() return kept.name end)\n"
              "    return veto{message=tostring(ok) .. message}\n"
              "  end\n"
              "  kept = resource\n"
              "end\n",
              "");
  const char *pat = us_pat(w, "alice", RS1);
  us_register(w, pat, ALBUM);
  struct us_reply r = us_with_pat(w, "POST", SETS, pat, PHOTO);
  assert_error(r, 403, "access_denied");
  assert_non_null(strstr(r.body, "false"));
  assert_non_null(strstr(r.body, "an object was used after its call"));
}

/* What runs in C executes no instruction, and a handler of errors would run where no hook does: each is held to the time of a call. */
static void no_call_outlives_its_time(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {
      "xpcall(function() while true do end end, function() while true do end end)",
      "local s = ('a'):rep(9000) local step = s:gmatch('.-b') while true do step() end",
      "local s = ('\\0'):rep(1000000):rep(5) local u = s .. 'x' while true do local x = s < u end",
      "local s = ('\\0'):rep(1000000):rep(2) while true do pcall(string.format, '%q', s) end",
      "local t = {} for i = 1, 60000 do t[i] = 1.5 end while true do json.encode(t) end",
  };
  size_t n = sizeof(bad) / sizeof(bad[0]);
  load_cases(w, "afterResourceRegistration", bad, n, ",\"instructions\":9223372036854775807,\"milliseconds\":50");
  const char *pat = us_pat(w, "alice", RS1);
  for (size_t i = 0; i < n; i++) {
    log_take();
    us_register(w, pat, case_resource(w, i));
    wait_told();
    const char *log = log_taken(w);
    if (!strstr(log, "the deadline has passed"))
      fail_msg("%s: %s", bad[i], log);
  }
}

static void nothing_is_lost_on_the_way_to_json(void **state) {
  struct us_world *w = *state;
  load_script(w,
              "function beforeResourceRegistration(r)\n"
              "  assert(not pcall(json.encode, {1, 2, nil, 4, [-1] = 0}))\n"
              "  assert(json.encode{1, 2, 3} == '[1,2,3]')\n"
              "  assert(not pcall(function() r['name\\0x'] = 'evil' end))\n"
              "  assert(not pcall(function() return r['name\\0x'] end))\n"
              "  assert(not pcall(r.get, r, '/name\\0x') and not pcall(r.set, r, '/name\\0x', 'evil'))\n"
              "  local ok, text = xpcall(error, function(m) return 'handled ' .. m end, 'x')\n"
              "  assert(not ok and text == 'handled x')\n"
              "  assert(select('#', xpcall(function(...) return ... end, error, 1, nil, 3)) == 4)\n"
              "end\n",
              "");
  us_register(w, us_pat(w, "alice", RS1), ALBUM);
}

static void bad_scripts_do_not_start(void **state) {
  struct us_world *w = *state;
  assert_no_start(w, "function (");
  assert_no_start(w, "error('no')");
  assert_no_start(w, "while true do end");
  assert_no_start(w, "local s = 'x' while true do s = s .. s end");
  assert_no_start(w, "\x1bLua");
  struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
  const char *path = script_file(w, "");
  assert_int_equal(try_file(w, LUA, "{}", &cx), US_E_INVALID_REQUEST);
  assert_int_equal(try_file(w, LUA, "{\"script\":\"/nowhere\"}", &cx), US_E_INVALID_REQUEST);
  static const char *const bad[] = {"\"memory_bytes\":1",          "\"memory_bytes\":-1",    "\"memory_bytes\":262143",
                                    "\"memory_bytes\":1073741825", "\"memory_bytes\":\"1\"", "\"memory_bytes\":1e6",
                                    "\"instructions\":999",        "\"instructions\":null",  "\"milliseconds\":0",
                                    "\"milliseconds\":3600001"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
    assert_int_equal(try_file(w, LUA, us_text(w, "{\"script\":\"%s\",%s}", path, bad[i]), &cx), US_E_INVALID_REQUEST);
  chmod(path, 0666);
  assert_int_equal(try_file(w, LUA, us_text(w, "{\"script\":\"%s\"}", path), &cx), US_E_INVALID_REQUEST);
  unlink(path);
  us_mem_free(cx.mem);
}

/* A rule that is misspelled would hold for nobody. */
static void misspelled_methods_are_refused(void **state) {
  struct us_world *w = *state;
  static const char *const bad[] = {
      "beforeRegistration", "beforeresourceregistration", "BeforeResourceShared", "afterShared",
      "onDeletion",         "before_authorization",       "onPermissionrequest"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    log_take();
    assert_no_start(w, us_text(w, "function %s() end function beforeAuthorization() end", bad[i]));
    assert_non_null(strstr(log_taken(w), us_text(w, "the function %s is none of the eleven methods", bad[i])));
  }
  log_take();
  load_script(w,
              "function helper() end function only() end function aftermath() end beforeLimit = 3\n"
              "local function beforeAll() end\n"
              "function onPermissionRequest() end function beforeAuthorization() end",
              "");
  assert_non_null(strstr(log_taken(w), ".lua has onPermissionRequest beforeAuthorization\""));
}

static void a_script_without_methods_is_said(void **state) {
  struct us_world *w = *state;
  log_take();
  load_script(w, "function helper() end", "");
  const char *log = log_taken(w);
  assert_non_null(strstr(log, ".lua has none of the eleven methods"));
  assert_non_null(strstr(log, "level=warn"));
}

/* Who may write the folder may put another script in the place of this one, or a link to one. */
static void a_folder_that_others_may_write_is_refused(void **state) {
  struct us_world *w = *state;
  const char *folder = temporary_folder(w), *links = temporary_folder(w), *file = script_file(w, ""),
             *path = us_text(w, "%s/a.lua", folder), *link = us_text(w, "%s/b.lua", links);
  assert_int_equal(rename(file, path), 0);
  assert_int_equal(symlink(path, link), 0);
  for (int i = 0; i < 4; i++) { /* the folder by name, behind a link, that of the link; none */
    struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
    const char *open_one = i == 2 ? links : folder;
    chmod(open_one, i < 3 ? 0777 : 0700);
    log_take();
    enum us_code code = try_file(w, LUA, us_text(w, "{\"script\":\"%s\"}", i == 0 ? path : link), &cx);
    const char *log = log_taken(w);
    assert_int_equal(code, i < 3 ? US_E_INVALID_REQUEST : US_OK);
    if (i < 3)
      assert_non_null(strstr(log, us_text(w, "its folder %s may be written by others than its owner", open_one)));
    chmod(open_one, 0700);
    us_mem_free(cx.mem);
  }
  unlink(link);
  unlink(path);
  rmdir(links);
  rmdir(folder);
}

static void reload_takes_a_good_script_and_keeps_the_old_one_otherwise(void **state) {
  struct us_world *w = *state;
  const char *pat = us_pat(w, "alice", RS1);
  load_script(w, "function beforeResourceRegistration(r) return veto{message='old'} end", "");
  struct us_reply r = us_with_pat(w, "POST", SETS, pat, ALBUM);
  assert_string_equal(us_reply_str(&r, "error_description"), "old");
  static const char *const scripts[] = {"function (",
                                        "function beforeResourceRegistration(r) return veto{message='new'} end",
                                        "function onPermissionRequest() end"};
  for (size_t i = 0; i < 3; i++) {
    struct us_cx cx = {.mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES), .svc = us_world_services(w)};
    const char *path = script_file(w, scripts[i]);
    struct us_plugin_entry entry = {.path = us_str_c(built(w, LUA)),
                                    .config = us_str_c(us_text(w, "{\"script\":\"%s\"}", path))};
    struct us_plugin_options options = {.entries = &entry, .count = 1};
    us_plugins_reload(from_files, &options);
    unlink(path);
    us_mem_free(cx.mem);
    r = us_with_pat(w, "POST", SETS, pat, ALBUM);
    if (i < 2)
      assert_string_equal(us_reply_str(&r, "error_description"), i == 0 ? "old" : "new");
    else
      assert_status(r, 201);
  }
  assert_false(us_plugins_have(from_files, US_HOOK_BEFORE_RESOURCE_REGISTRATION));
  assert_true(us_plugins_have(from_files, US_HOOK_ON_PERMISSION_REQUEST));
}

/* Several states at once, one for each thread that calls. */
struct caller {
  pthread_t thread;
  unsigned failed;
};
static void *call_often(void *self) {
  struct caller *caller = self;
  void *mem = us_mem_root_new(0, US_MEM_REQUEST_MAX_BYTES);
  for (int i = 0; i < 50; i++) {
    struct us_hook_watch watch = {0};
    struct us_ask ask = {.hook = US_HOOK_BEFORE_RESOURCE_REGISTRATION, .doc_count = 1};
    us_doc_init(&ask.docs[0], US_DOC_RESOURCE, true);
    ask.docs[0].text = US_STR("{\"name\":\"album\"}");
    us_hooks_ask(from_files, &ask, mem, &watch);
    struct us_str text = us_doc_text(&ask.docs[0], mem);
    caller->failed += ask.verdict != US_VERDICT_OK || !us_str_eq_c(text, "{\"name\":\"album!\"}");
    us_ask_done(&ask);
  }
  us_mem_free(mem);
  return NULL;
}
static void threads_have_states_of_their_own(void **state) {
  struct us_world *w = *state;
  struct caller callers[4] = {0};
  load_script(w,
              "local busy = false\n"
              "function beforeResourceRegistration(r)\n"
              "  assert(not busy)\n"
              "  busy = true\n"
              "  for i = 1, 1000 do local x = i * i end\n"
              "  r.name = r.name .. '!'\n"
              "  busy = false\n"
              "end\n",
              "");
  for (size_t i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
  for (size_t i = 0; i < 4; i++) {
    pthread_join(callers[i].thread, NULL);
    assert_int_equal(callers[i].failed, 0);
  }
}

int main(void) {
  us_test_setup();
  const struct CMUnitTest tests[] = {
      FILE_STORY(edits_and_vetoes_by_functions),
      FILE_STORY(all_methods_have_their_arguments),
      FILE_STORY(what_goes_wrong_is_a_failure_of_one_call),
      FILE_STORY(what_would_cost_too_much_is_refused_before_it_begins),
      FILE_STORY(what_cannot_be_read_is_a_failure),
      FILE_STORY(after_methods_end_in_time),
      FILE_STORY(the_world_outside_is_not_there),
      FILE_STORY(objects_end_with_their_call),
      FILE_STORY(no_call_outlives_its_time),
      FILE_STORY(nothing_is_lost_on_the_way_to_json),
      FILE_STORY(bad_scripts_do_not_start),
      FILE_STORY(misspelled_methods_are_refused),
      FILE_STORY(a_script_without_methods_is_said),
      FILE_STORY(a_folder_that_others_may_write_is_refused),
      FILE_STORY(reload_takes_a_good_script_and_keeps_the_old_one_otherwise),
      FILE_STORY(threads_have_states_of_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
