-- The first schema. Times ending in _ms are milliseconds, in _s seconds since 1970, from our clock. `id` columns of rows
-- that come and go are time-ordered numbers made by us (base/id.h), never reused; references between tables use them, and
-- a reference whose row is gone counts as dead. `*_key` columns are ASCII-lower-cased by C for comparison.
-- Digests are base64url SHA-256 of whole handles. Lists of scopes are JSON arrays of strings.

CREATE TABLE meta (
  key   @TEXTKEY@ PRIMARY KEY,
  value TEXT NOT NULL
);
-- Bumped in the transaction of every change to realms, settings and keys: caches are read under it.
INSERT INTO meta (key, value) VALUES ('config_rev', '1');
-- Counted up by the backend in each transaction that changes or deletes rows of token, client or account (store/seen.h).
INSERT INTO meta (key, value) VALUES ('rights_rev', '1');

CREATE TABLE node (
  id              BIGINT PRIMARY KEY,
  leased_until_ms BIGINT NOT NULL,
  high_water      BIGINT NOT NULL
);

CREATE TABLE realm (
  id         @ID@,
  path       @TEXTKEY@ NOT NULL UNIQUE,      -- "/" or "/alpha" or "/north/oslo"
  has_oauth  SMALLINT NOT NULL CHECK (has_oauth IN (0, 1)),
  has_uma    SMALLINT NOT NULL CHECK (has_uma IN (0, 1)),
  created_ms BIGINT NOT NULL
);

-- Provider settings that differ from their default (protocol contract 9; domain/settings.c has the table of names).
CREATE TABLE setting (
  realm_id BIGINT NOT NULL,
  name     @TEXTKEY@ NOT NULL,
  value    TEXT NOT NULL,
  PRIMARY KEY (realm_id, name)
) @CLUSTERED@;

CREATE TABLE signing_key (
  id          @ID@,
  realm_id    BIGINT NOT NULL,
  alg         TEXT NOT NULL,
  jwk         TEXT NOT NULL,                 -- private JWK, sealed (crypto/box.h)
  active      SMALLINT NOT NULL CHECK (active IN (0, 1)), -- the newest of its kind
  created_ms  BIGINT NOT NULL,
  starts_ms   BIGINT NOT NULL,               -- signs from then on; before that it is only published
  token_s     BIGINT NOT NULL,               -- longest life of an ID token while it signed
  retired_ms  BIGINT                         -- since when it does not sign: when its successor starts
);
CREATE INDEX signing_key_realm ON signing_key (realm_id, id);

CREATE TABLE client (
  id                 @ID@,
  realm_id           BIGINT NOT NULL,
  client_id          @TEXTKEY@ NOT NULL,
  secret_hash        TEXT,                   -- argon2id; NULL for public clients
  is_public          SMALLINT NOT NULL CHECK (is_public IN (0, 1)),
  is_active          SMALLINT NOT NULL CHECK (is_active IN (0, 1)),
  display_name       TEXT,
  auth_method        TEXT NOT NULL,
  grants             TEXT NOT NULL,          -- JSON array
  scopes             TEXT NOT NULL,
  default_scopes     TEXT NOT NULL,
  redirect_uris      TEXT NOT NULL,
  claims_redirect_uris TEXT NOT NULL,
  id_token_alg       TEXT NOT NULL,          -- RS256 or ES256
  access_token_s     BIGINT NOT NULL,        -- 0 = the realm's
  refresh_token_s    BIGINT NOT NULL,
  code_s             BIGINT NOT NULL DEFAULT 0,
  implies_consent    SMALLINT NOT NULL DEFAULT 0 CHECK (implies_consent IN (0, 1)), -- isConsentImplied
  binds_tokens       SMALLINT NOT NULL DEFAULT 0 CHECK (binds_tokens IN (0, 1)), -- mTLSCertificateBoundAccessTokens
  sealed_secret      TEXT,                   -- client_secret_jwt only: the secret itself, sealed (crypto/box.h)
  jwks               TEXT,                   -- public keys, a JWK set
  jwks_uri           TEXT,                   -- where they are to be had instead
  tls_names          TEXT NOT NULL DEFAULT '{}', -- tls_client_auth: the one name that its certificate has (RFC 8705 2.1.2)
  metadata           TEXT NOT NULL DEFAULT '{}', -- what registration (RFC 7591) said besides: a JSON object
  registration_digest TEXT,                  -- of the registration access token (RFC 7592), '' when it has none; NULL = it did not register itself
  rev                BIGINT NOT NULL,
  created_ms         BIGINT NOT NULL,
  UNIQUE (realm_id, client_id)
);
-- The digest stands in it so that they are counted without their rows.
CREATE INDEX client_registered ON client (realm_id, registration_digest) WHERE registration_digest IS NOT NULL;

CREATE TABLE account (
  id            @ID@,
  realm_id      BIGINT NOT NULL,
  name          TEXT NOT NULL,
  name_key      @TEXTKEY@ NOT NULL,
  password_hash TEXT NOT NULL,
  mail          TEXT,
  given_name    TEXT,
  family_name   TEXT,
  locale        TEXT,                        -- language tag, "de" or "de-CH"
  totp_secret   TEXT,                        -- base32 (RFC 6238); NULL = no second factor enrolled
  totp_step     BIGINT NOT NULL DEFAULT 0,   -- the last time step that was used: a code counts once
  valid_from    BIGINT NOT NULL DEFAULT 0,   -- tokens with smaller ids are dead: the password was changed, or it was off
  is_active     SMALLINT NOT NULL CHECK (is_active IN (0, 1)),
  is_admin      SMALLINT NOT NULL CHECK (is_admin IN (0, 1)), -- of its realm; in "/" of everything
  rev           BIGINT NOT NULL,
  access_rev    BIGINT NOT NULL DEFAULT 1,   -- of the groups it is in: RPTs of this person are decided anew when it moves
  created_ms    BIGINT NOT NULL,
  UNIQUE (realm_id, name_key)
);
CREATE INDEX account_mail ON account (realm_id, mail);

-- Groups of a realm: what a share may name as group:NAME (subject_key 'group:' and name_key).
CREATE TABLE user_group (
  id         @ID@,
  realm_id   BIGINT NOT NULL,
  name       TEXT NOT NULL,
  name_key   @TEXTKEY@ NOT NULL,
  created_ms BIGINT NOT NULL,
  UNIQUE (realm_id, name_key)
);
CREATE TABLE group_member (
  group_id   BIGINT NOT NULL,
  account_id BIGINT NOT NULL,
  PRIMARY KEY (group_id, account_id)
) @CLUSTERED@;
CREATE INDEX group_member_account ON group_member (account_id, group_id);

CREATE TABLE session (
  id          @ID@,
  digest      TEXT NOT NULL,
  realm_id    BIGINT NOT NULL,
  account_id  BIGINT NOT NULL,
  created_ms  BIGINT NOT NULL,
  touched_ms  BIGINT NOT NULL,
  expires_ms  BIGINT NOT NULL,               -- maximum lifetime
  journey     TEXT NOT NULL DEFAULT ''       -- the flow by which the person logged in (authIndexValue)
);
CREATE INDEX session_account ON session (account_id, id);

-- Steps of /json/authenticate that were passed, so that each is passed once (domain/login.h). A login that only begins
-- leaves nothing here.
CREATE TABLE login_spent (
  id @ID@
);

-- Access and refresh tokens (not RPTs). A grant is the family that one authorization began; its id is that of its first token.
CREATE TABLE token (
  id         @ID@,
  kind       SMALLINT NOT NULL CHECK (kind IN (1, 2)), -- 1 access, 2 refresh
  digest     TEXT NOT NULL,
  realm_id   BIGINT NOT NULL,
  client_ref BIGINT NOT NULL,                -- client.id
  account_id BIGINT,                         -- NULL: client credentials
  grant_id   BIGINT NOT NULL,
  grant_type TEXT NOT NULL,
  scopes     TEXT NOT NULL,
  auth_time_s BIGINT NOT NULL,
  issued_s   BIGINT NOT NULL,
  expires_s  BIGINT NOT NULL,
  spent      SMALLINT NOT NULL CHECK (spent IN (0, 1)), -- refresh: used, kept to recognise reuse
  cnf        TEXT                            -- x5t#S256 of the certificate it is bound to (RFC 8705 3)
);
CREATE INDEX token_grant ON token (grant_id);

-- Authorization codes. A used one stays for a while: who brings it again ends its grant (RFC 6749 4.1.2).
CREATE TABLE code (
  id           @ID@,
  digest       TEXT NOT NULL,
  realm_id     BIGINT NOT NULL,
  client_ref   BIGINT NOT NULL,
  account_id   BIGINT NOT NULL,
  redirect_uri TEXT NOT NULL,
  uri_was_sent SMALLINT NOT NULL CHECK (uri_was_sent IN (0, 1)), -- then the exchange must repeat it (RFC 6749 4.1.3)
  scopes       TEXT NOT NULL,
  challenge    TEXT,                         -- PKCE (RFC 7636)
  challenge_method TEXT,
  nonce        TEXT,
  auth_time_s  BIGINT NOT NULL,
  expires_s    BIGINT NOT NULL,
  grant_id     BIGINT NOT NULL DEFAULT 0     -- token.grant_id of what it was exchanged for; 0 = not used yet
);

-- What a person has allowed a client to do. A withdrawn one stays, with no scopes, because of valid_from.
CREATE TABLE consent (
  account_id  BIGINT NOT NULL,
  client_ref  BIGINT NOT NULL,
  realm_id    BIGINT NOT NULL,
  scopes      TEXT NOT NULL,
  remembered  TEXT NOT NULL,                 -- those of them for which nobody is asked again
  valid_from  BIGINT NOT NULL DEFAULT 0,     -- tokens and codes of the two with smaller ids are dead
  modified_ms BIGINT NOT NULL,
  PRIMARY KEY (account_id, client_ref)
) @CLUSTERED@;
CREATE INDEX consent_client ON consent (client_ref);

-- Persisted claims tokens (protocol contract 7.5): who the requesting party is, for this client.
CREATE TABLE pct (
  id         @ID@,
  digest     TEXT NOT NULL,
  realm_id   BIGINT NOT NULL,
  client_ref BIGINT NOT NULL,
  account_id BIGINT NOT NULL,                -- the requesting party
  issued_s   BIGINT NOT NULL,
  expires_s  BIGINT NOT NULL,
  cnf        TEXT                            -- as in token
);
CREATE INDEX pct_account ON pct (account_id, client_ref);

-- Assertions by which clients authenticated (RFC 7523), until they expire: each counts once.
CREATE TABLE assertion (
  client_ref BIGINT NOT NULL,
  digest     @TEXTKEY@ NOT NULL,             -- of the jti
  expires_s  BIGINT NOT NULL,
  PRIMARY KEY (client_ref, digest)
) @CLUSTERED@;
CREATE INDEX assertion_expiry ON assertion (expires_s);
-- How many of them there are, for the limits: of a client; under 0 of all.
CREATE TABLE assertion_count (
  client_ref @ID@,
  live       BIGINT NOT NULL
);

CREATE TABLE resource (
  id          @ID@,
  uuid        @TEXTKEY@ NOT NULL UNIQUE,     -- the id that clients see
  realm_id    BIGINT NOT NULL,
  owner_id    BIGINT NOT NULL,               -- account.id
  rs_ref      BIGINT NOT NULL,               -- client.id of the resource server
  name        @TEXTKEY@,
  name_sort   @TEXTKEY@ NOT NULL DEFAULT '', -- the name, or '' when it has none: lists are sorted by it
  name_key    TEXT NOT NULL DEFAULT '',      -- the name without case: filters look into it
  type        TEXT,
  icon_uri    TEXT,
  about       TEXT,                          -- what the description says under "description"
  scopes      TEXT NOT NULL,
  type_actions TEXT NOT NULL DEFAULT '',     -- of its resource type: names of actions; '' = those of its scopes
  type_denied TEXT NOT NULL DEFAULT '[]',    -- those of them that are false
  type_description TEXT,                     -- of its resource type; NULL = the usual one
  type_modifier BIGINT NOT NULL DEFAULT 0,   -- account.id of who changed its resource type last; 0 = its owner
  rev         BIGINT NOT NULL,               -- of description and labels: the ETag
  access_rev  BIGINT NOT NULL,               -- of everything that decides access to it
  created_ms  BIGINT NOT NULL,
  modified_ms BIGINT NOT NULL,
  -- The whole description as JSON, without _id, labels, policy uri. Last, so that the rest is read without it when it is long.
  description TEXT NOT NULL
);
CREATE INDEX resource_list ON resource (owner_id, rs_ref, id);
CREATE INDEX resource_by_name ON resource (owner_id, name_sort, id);
CREATE INDEX resource_realm ON resource (realm_id, name_sort, id);
CREATE UNIQUE INDEX resource_name ON resource (owner_id, rs_ref, name) WHERE name IS NOT NULL;

CREATE TABLE label (
  id         @ID@,
  owner_id   BIGINT NOT NULL,
  kind       SMALLINT NOT NULL CHECK (kind IN (1, 2, 3)), -- 1 SYSTEM, 2 USER, 3 STAR
  rs_ref     BIGINT NOT NULL,                -- SYSTEM: the client; else 0
  uuid       TEXT,                           -- USER, STAR: the id that the owner sees
  name       @TEXTKEY@ NOT NULL,
  rev        BIGINT NOT NULL,
  UNIQUE (owner_id, kind, rs_ref, name)
);
CREATE UNIQUE INDEX label_uuid ON label (uuid) WHERE uuid IS NOT NULL;
CREATE TABLE resource_label (
  resource_id BIGINT NOT NULL,
  owner_id    BIGINT NOT NULL,               -- of the label: one person's labels are found past everybody else's
  label_id    BIGINT NOT NULL,
  PRIMARY KEY (resource_id, owner_id, label_id)
) @CLUSTERED@;
CREATE INDEX resource_label_label ON resource_label (label_id, resource_id);

-- A permission ticket is one row for the whole process: rotation moves `iteration` and `digest`. id is the `tid`.
CREATE TABLE ticket (
  id           @ID@,
  digest       TEXT NOT NULL,
  iteration    BIGINT NOT NULL,
  state        SMALLINT NOT NULL CHECK (state IN (0, 1, 2)), -- 0 open, 1 claims, 2 dead
  realm_id     BIGINT NOT NULL,
  owner_id     BIGINT NOT NULL,
  rs_ref       BIGINT NOT NULL,
  client_ref   BIGINT,                       -- bound at the first presentation
  permissions  TEXT NOT NULL,                -- [[resource.id, uuid, [scope...]]...]
  pending_ids  TEXT NOT NULL,                -- ids of pending requests this process waits for
  created_s    BIGINT NOT NULL,
  expires_s    BIGINT NOT NULL,
  used_digests TEXT NOT NULL DEFAULT '',     -- of earlier iterations, one behind the other: the first and the latest few
  -- Of claims gathering (protocol contract 7):
  challenge    TEXT,                         -- PKCE for tickets
  challenge_method TEXT,
  party_id     BIGINT NOT NULL DEFAULT 0,    -- account.id of the requesting party who was there; 0 = nobody yet
  gathered_id  BIGINT NOT NULL DEFAULT 0,    -- and when that was, as an id of that moment
  wants_pct    SMALLINT NOT NULL DEFAULT 0 CHECK (wants_pct IN (0, 1))
);

CREATE TABLE rpt (
  id         @ID@,
  digest     TEXT NOT NULL,
  realm_id   BIGINT NOT NULL,
  owner_id   BIGINT NOT NULL,
  rs_ref     BIGINT NOT NULL,
  client_ref BIGINT NOT NULL,
  party_id   BIGINT NOT NULL,                -- account.id of the requesting party
  party_rev  BIGINT NOT NULL DEFAULT 1,      -- account.access_rev of the party under which it was decided
  tid        BIGINT NOT NULL,
  issued_s   BIGINT NOT NULL,
  expires_s  BIGINT NOT NULL,
  cnf        TEXT,                           -- as in token
  counted    TEXT NOT NULL DEFAULT '',       -- permission.id of those it used up a use of (MaxUses), with commas between
  -- The first permission stands in the row itself: most RPTs have no other, and introspection reads one page less. As below.
  more        BIGINT NOT NULL,               -- how many others there are in rpt_permission
  resource_id BIGINT NOT NULL,
  uuid        TEXT NOT NULL,
  scopes      TEXT NOT NULL,
  access_rev  BIGINT NOT NULL,
  permission_expires_s BIGINT NOT NULL
);
CREATE INDEX rpt_tid ON rpt (tid);
-- An upgraded RPT holds what was obtained in earlier processes too; their tickets, stolen, take it along.
CREATE TABLE rpt_process (
  rpt_id BIGINT NOT NULL,
  tid    BIGINT NOT NULL,
  PRIMARY KEY (rpt_id, tid)
) @CLUSTERED@;
CREATE INDEX rpt_process_tid ON rpt_process (tid);
CREATE TABLE rpt_permission (
  rpt_id      BIGINT NOT NULL,
  resource_id BIGINT NOT NULL,
  uuid        TEXT NOT NULL,
  scopes      TEXT NOT NULL,
  access_rev  BIGINT NOT NULL,               -- under which it was decided: introspection compares
  expires_s   BIGINT NOT NULL,
  PRIMARY KEY (rpt_id, resource_id)
) @CLUSTERED@;

-- One policy: everything `sharer` has shared of one resource.
CREATE TABLE policy (
  id          @ID@,
  realm_id    BIGINT NOT NULL,
  resource_id BIGINT NOT NULL,
  sharer_id   BIGINT NOT NULL,
  rev         BIGINT NOT NULL,
  created_ms  BIGINT NOT NULL,
  modified_ms BIGINT NOT NULL,
  UNIQUE (resource_id, sharer_id)
);
CREATE INDEX policy_sharer ON policy (sharer_id, resource_id);
CREATE TABLE permission (
  id          @ID@,
  policy_id   BIGINT NOT NULL,
  resource_id BIGINT NOT NULL,
  sharer_id   BIGINT NOT NULL,
  realm_id    BIGINT NOT NULL,
  owner_id    BIGINT NOT NULL DEFAULT 0,     -- of the resource; it and the next are copies, for the index of subjects
  resource_sort @TEXTKEY@ NOT NULL DEFAULT '', -- resource.name_sort
  position    BIGINT NOT NULL,               -- order within the policy
  subject     TEXT NOT NULL,                 -- as given
  subject_key @TEXTKEY@ NOT NULL,
  scopes      TEXT NOT NULL,
  active_scopes TEXT NOT NULL,               -- of them, those the sharer has a right to (REST i.2): a cache of the graph
  is_active   SMALLINT NOT NULL CHECK (is_active IN (0, 1)), -- active_scopes is not empty
  conditions  TEXT NOT NULL,                 -- {"type":"AND","conditions":[...]} or ''
  used        BIGINT NOT NULL DEFAULT 0,     -- RPTs that relied on it (condition MaxUses)
  entry_name  @TEXTKEY@ NOT NULL DEFAULT '', -- its name at users/{user}/policies (REST c.9), fixed when it was made
  created_ms  BIGINT NOT NULL,
  modified_ms BIGINT NOT NULL,
  UNIQUE (policy_id, subject_key)
);
CREATE INDEX permission_decide ON permission (resource_id, subject_key);
-- What reaches a person, in one place of the index and in the order of lists, however large the store is.
CREATE INDEX permission_subject
  ON permission (realm_id, subject_key, is_active, resource_sort, resource_id, owner_id, sharer_id);
CREATE INDEX permission_sharer ON permission (sharer_id, subject_key, policy_id);
CREATE INDEX permission_entry ON permission (sharer_id, entry_name);

CREATE TABLE pending_request (
  id          @ID@,
  uuid        @TEXTKEY@ NOT NULL UNIQUE,
  realm_id    BIGINT NOT NULL,
  owner_id    BIGINT NOT NULL,
  resource_id BIGINT NOT NULL,
  party_id    BIGINT NOT NULL,
  scopes      TEXT NOT NULL,
  created_ms  BIGINT NOT NULL,
  rev         BIGINT NOT NULL
);
CREATE INDEX pending_owner ON pending_request (owner_id, id);
CREATE INDEX pending_resource ON pending_request (resource_id, party_id);
CREATE INDEX pending_resource_age ON pending_request (resource_id, id);
CREATE INDEX pending_party ON pending_request (party_id, id);
-- A denial, kept as long as a successor ticket of the process may live, so that a poll is answered request_denied.
CREATE TABLE denial (
  pending_id @ID@,
  expires_s  BIGINT NOT NULL
);

-- What happened, one line a person's history (REST g). One chain a realm: hash is over the hash before and all columns of
-- the line, so a line that was changed, put in or taken out shows. id counts 1, 2, 3 in each realm without a gap.
CREATE TABLE audit_event (
  realm_id      BIGINT NOT NULL,
  id            BIGINT NOT NULL,
  account_id    BIGINT NOT NULL,             -- in whose history
  kind          SMALLINT NOT NULL,           -- enum us_audit_kind
  resource_uuid @TEXTKEY@ NOT NULL,
  resource_name @TEXTKEY@ NOT NULL,          -- at the time of the event
  party_name    @TEXTKEY@ NOT NULL,
  event_ms      BIGINT NOT NULL,
  hash          TEXT NOT NULL,
  PRIMARY KEY (realm_id, id)
) @CLUSTERED@;
CREATE INDEX audit_account ON audit_event (account_id, event_ms, id);
-- The ends of each chain: the last line, and the last one that retention removed.
CREATE TABLE audit_chain (
  realm_id     @ID@,
  last_id      BIGINT NOT NULL,
  last_hash    TEXT NOT NULL,
  removed_id   BIGINT NOT NULL,
  removed_hash TEXT NOT NULL
);

-- What is to be sent once its transaction is committed (REST l): one row an event and recipient, gone when it was handed on.
CREATE TABLE outbox (
  id          @ID@,
  realm_id    BIGINT NOT NULL,
  channel     SMALLINT NOT NULL,             -- enum us_outbox_channel: mails, events for plugins
  kind        SMALLINT NOT NULL,             -- mails: enum us_notice_kind
  event_key   @TEXTKEY@ NOT NULL UNIQUE,     -- one event is written down once
  account_id  BIGINT NOT NULL,               -- to whom; the address is looked up when it is sent
  body        TEXT NOT NULL,                 -- JSON: arguments of the template
  created_ms  BIGINT NOT NULL,
  due_ms      BIGINT NOT NULL,               -- not before; of a claimed row until when; of a failed one since when
  tries       BIGINT NOT NULL,
  claimed_by  BIGINT NOT NULL,               -- node that is sending it; 0 = nobody
  is_failed   SMALLINT NOT NULL DEFAULT 0 CHECK (is_failed IN (0, 1)), -- given up, kept for the operator
  last_error  TEXT NOT NULL DEFAULT ''
);
CREATE INDEX outbox_due ON outbox (channel, is_failed, due_ms, id);
CREATE INDEX outbox_failed ON outbox (is_failed, due_ms, id);
