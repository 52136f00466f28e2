BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE beats (
	uid TEXT NOT NULL, 
	at INTEGER NOT NULL, 
	context_percent FLOAT, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (uid)
);
INSERT INTO "beats" VALUES('dfdb700c0ebbcfb5',1,12.5,1);
CREATE TABLE clocks (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE cohorts (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "cohorts" VALUES('demo/squad/agent/1','demo','{"count":2,"created_at":1700000000.0,"generation":1,"position":25,"proven":true,"role":"agent","team":"squad","template":{"runtime":{"command":"agent","cwd":"/"}},"workspace":"demo"}');
CREATE TABLE daemons (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "daemons" VALUES('daemon','','{"pid":1,"position":29,"run_id":"run","started_at":1700000000.0,"stopped_at":1700000004.999999,"version":"0"}');
CREATE TABLE endpoints (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "endpoints" VALUES('demo/svc','demo','{"created_at":1700000000.0,"name":"svc","position":5,"team":"squad","uid":"c017182926920f87","workspace":"demo"}');
CREATE TABLE events (
	position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	time INTEGER NOT NULL, 
	stream TEXT NOT NULL, 
	stream_version INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	schema INTEGER NOT NULL, 
	workspace TEXT, 
	team TEXT, 
	role TEXT, 
	session TEXT, 
	uid TEXT, 
	generation INTEGER, 
	actor TEXT NOT NULL, 
	command TEXT, 
	cause INTEGER, 
	payload TEXT NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT events_stream UNIQUE (stream, stream_version)
);
INSERT INTO "events" VALUES(1,1700000000000000,'log',1,'log.created',1,NULL,NULL,NULL,NULL,NULL,NULL,'marvel',NULL,NULL,'{"log_id":"3a6ef90afa434008"}',X'CCCA6969695C3579D0DDA42CAA13369D76D8D3D7E2DC10786AC3F73B0BF9F8AF');
INSERT INTO "events" VALUES(2,1700000000000000,'workspace/demo',1,'workspace.created',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"uid":"e1d0f646f3722067"}',X'1440F0F36FF2E1937585A1DE0C190E04398375A81ABB754D2EDA1B099936F0D0');
INSERT INTO "events" VALUES(3,1700000000000000,'team/demo/squad',1,'team.applied',1,'demo','squad',NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"roles":["agent"],"uid":"d19b42e12af6e3b5"}',X'1FA340C18B8F58FC8980EBE454B3742CA9AA560C7D2B3BE40F201441BC7DEFF4');
INSERT INTO "events" VALUES(4,1700000000000000,'role/demo/squad/agent',1,'role.applied',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":3,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"uid":"92d14d2920b27383"}',X'266277A104546EF3E78C816A0F9FF9B30947EA4CDF64D15260FF4B62C9AD8E01');
INSERT INTO "events" VALUES(5,1700000000000000,'workspace/demo',2,'endpoint.applied',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"name":"svc","team":"squad","uid":"c017182926920f87"}',X'A9041CEF6E1EE5E35DC4A43DB01626346FD5C4E0D90F1DCCC8483BAB4BD7056E');
INSERT INTO "events" VALUES(6,1700000000000000,'log',2,'daemon.started',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"pid":1,"run_id":"run","version":"0"}',X'FCA95914CCAB81D7A699F8DF787AF40CD25062A9A1594CFFC87F5B6324053B83');
INSERT INTO "events" VALUES(7,1700000000000000,'role/demo/squad/agent',2,'cohort.created',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,4,'{"count":3,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'91BDA8BC5684E51559D62965D711AAEE5EAFC89CF12BE0A563E6649C806D1B16');
INSERT INTO "events" VALUES(8,1700000000000000,'session/demo/squad-agent-g1-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"image":"","index":0}',X'2056A5C6E22F7A744C3F5F9C6125F351DFC8AEF735C9EE00B0F1C5BDA9EBBBDB');
INSERT INTO "events" VALUES(9,1700000000000000,'session/demo/squad-agent-g1-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":1,"reason":"template-unproven"}',X'5A9D9768CD170748F142A776491E62CBDA7482CC58DD48CE8FB293FE51CC6307');
INSERT INTO "events" VALUES(10,1700000000000000,'session/demo/squad-agent-g1-2',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":2,"reason":"template-unproven"}',X'ED84315559F1808B3D6CBF9B382253DC4845B30E8F711B94941C6F1979C83915');
INSERT INTO "events" VALUES(11,1700000000000000,'session/demo/squad-agent-g1-0',2,'session.started',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,8,'{"pane":"%1","pid":1001,"pid_start":7,"server":"1/2"}',X'5542CBED18E69BF1EE91E0CC22D952DA4348342D0DA951B943C2ADB14DF8A1D0');
INSERT INTO "events" VALUES(12,1700000000100000,'session/demo/squad-agent-g1-0',3,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:health',NULL,11,'{"ready":true}',X'A5ACD9DFF66748A50B11FE39B920040131DFA364BD93EA97D4AFA555A9F85AB2');
INSERT INTO "events" VALUES(13,1700000000100000,'role/demo/squad/agent',3,'cohort.proven',1,'demo','squad','agent',NULL,NULL,1,'controller:sessions',NULL,12,'{}',X'07509B49FBAED4336356958E7DFBA7DBCDF6AD192A5CA8148B9E4B2D745CAACF');
INSERT INTO "events" VALUES(14,1700000000100000,'session/demo/squad-agent-g1-1',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,13,'{}',X'23F3C6B70F3D9159703485AC38221F7C8C01FE299AE481F69490FAAFBC5581FE');
INSERT INTO "events" VALUES(15,1700000000100000,'session/demo/squad-agent-g1-2',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,13,'{}',X'7CF924C0FDDD841BB33C0B013D421403B1F78D0BA64800084B59EBCCD2A423A0');
INSERT INTO "events" VALUES(16,1700000000100000,'session/demo/squad-agent-g1-1',3,'session.started',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'test',NULL,14,'{"pane":"%2","pid":1002,"pid_start":7,"server":"1/2"}',X'03D986A8B626E5B81BF9A695BA5A6C36CBC0484A822CA87F37DB6E0DA8D87716');
INSERT INTO "events" VALUES(17,1700000000100000,'session/demo/squad-agent-g1-2',3,'session.started',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,15,'{"pane":"%3","pid":1003,"pid_start":7,"server":"1/2"}',X'832CCBD671E874C81DE741CC7847B65EEF42364CE5935114886490CA9C5EA3BE');
INSERT INTO "events" VALUES(18,1700000000200000,'session/demo/squad-agent-g1-1',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:health',NULL,16,'{"ready":true}',X'72E5F74364A9DF6EC366D5E804CA6D532222AAF8506AA1417FF767B65A611012');
INSERT INTO "events" VALUES(19,1700000000200000,'session/demo/squad-agent-g1-2',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:health',NULL,17,'{"ready":true}',X'D9B48CBC9712F5F163E54E50AE4DDF5E925A5277D7D277D3ABFADC55098B428C');
INSERT INTO "events" VALUES(20,1700000001400000,'session/demo/squad-agent-g1-0',4,'session.ended',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,12,'{"exit_status":7,"reason":"crashed","state":"failed"}',X'2C0DDEFF6A3D1B3709D5348ACBF280E5861BE35779BD2D1B19627797E080B812');
INSERT INTO "events" VALUES(21,1700000001400000,'session/demo/squad-agent-g1-0',5,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:sessions',NULL,20,'{"command":"agent","delay":0.0,"image":"","index":0,"replaces":"fb355baa22f2e727","restarts":1,"streak":1}',X'F2A0640F270C2A22F17B8891C237BE54AEB93A154E6A4AB35F5BC37A42B0F8AA');
INSERT INTO "events" VALUES(22,1700000001400000,'session/demo/squad-agent-g1-0',6,'session.started',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'test',NULL,21,'{"pane":"%4","pid":1004,"pid_start":7,"server":"1/2"}',X'45425E93670CD4E93391E86C89C6D1A18F6292641123886CD934F51FFD905518');
INSERT INTO "events" VALUES(23,1700000001500000,'session/demo/squad-agent-g1-0',7,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:health',NULL,22,'{"ready":true}',X'0C9B0831181ABA8F1C12A4DA0F038BAA4A122D82ED33818F07E12AB93CA7E7D3');
INSERT INTO "events" VALUES(24,1700000002699999,'role/demo/squad/agent',4,'role.scaled',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":2}',X'5EBFF9A7EB9753D222FDB540E0218ACF6653BCF96FDB17FE042BECCA77B93422');
INSERT INTO "events" VALUES(25,1700000002699999,'role/demo/squad/agent',5,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,24,'{"count":2}',X'747898F6E5D36334C8393D0010E8ED987A4D52AC4FF57F72D3ED08407A1920A3');
INSERT INTO "events" VALUES(26,1700000002699999,'session/demo/squad-agent-g1-2',5,'session.stopping',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,25,'{"deadline":1700000012.6999993,"reason":"scaled-down","release":true}',X'E2074C05EA39832F60E633F7BF0F80C0E92E2CE4B19B40B1B822CB00599ADF4B');
INSERT INTO "events" VALUES(27,1700000003899999,'session/demo/squad-agent-g1-2',6,'session.ended',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,26,'{"reason":"scaled-down","signal":"TERM","state":"stopped"}',X'6E0E17DB0CD645DADB8FFAC37726F67DE097292E7E510453DEDAD985C6C54C44');
INSERT INTO "events" VALUES(28,1700000004999999,'session/demo/adhoc-0',1,'session.scheduled',1,'demo','adhoc','adhoc','adhoc-0','c208b38722bd7e19',0,'test',NULL,NULL,'{"command":"","image":"","index":0,"one_off":true,"template":{}}',X'A631391043AA532A194A01F9E0F920417C3253BAD66C6A46C66E5A91390B6E9D');
INSERT INTO "events" VALUES(29,1700000004999999,'log',3,'daemon.stopped',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"stop","run_id":"run"}',X'041FF3684534863679936857D3C7206510B79F0650640F2EE7A376DA6A863385');
CREATE TABLE generations (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "generations" VALUES('demo/squad/agent','demo','{"generation":1,"position":7,"role":"agent","team":"squad","workspace":"demo"}');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('log_id','3a6ef90afa434008');
INSERT INTO "meta" VALUES('projection','1');
CREATE TABLE roles (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "roles" VALUES('demo/squad/agent','demo','{"created_at":1700000000.0,"name":"agent","position":24,"replicas":2,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"team":"squad","uid":"92d14d2920b27383","workspace":"demo"}');
CREATE TABLE sessions (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "sessions" VALUES('70fba57e21af6fda','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"delay":0.0,"generation":1,"image":"","index":1,"name":"squad-agent-g1-1","pane":"%2","pid":1002,"pid_start":7,"position":18,"ready":true,"ready_since":1700000000.2,"role":"agent","server":"1/2","started":16,"started_at":1700000000.1,"state":"running","team":"squad","uid":"70fba57e21af6fda","workspace":"demo"}');
INSERT INTO "sessions" VALUES('fb355baa22f2e727','demo','{"cleared_at":1700000000.0,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000001.4,"exit_status":7,"generation":1,"image":"","index":0,"name":"squad-agent-g1-0","pane":"%1","pid":1001,"pid_start":7,"position":21,"ready_since":1700000000.1,"reason":"crashed","role":"agent","server":"1/2","started":11,"started_at":1700000000.0,"state":"failed","team":"squad","uid":"fb355baa22f2e727","workspace":"demo"}');
INSERT INTO "sessions" VALUES('dfdb700c0ebbcfb5','demo','{"cleared_at":1700000001.4,"command":"agent","created_at":1700000001.4,"delay":0.0,"generation":1,"image":"","index":0,"name":"squad-agent-g1-0","pane":"%4","pid":1004,"pid_start":7,"position":23,"ready":true,"ready_since":1700000001.5,"replaces":"fb355baa22f2e727","restarts":1,"role":"agent","server":"1/2","started":22,"started_at":1700000001.4,"state":"running","streak":1,"team":"squad","uid":"dfdb700c0ebbcfb5","workspace":"demo"}');
INSERT INTO "sessions" VALUES('1c4674ac11e12fad','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000003.899999,"generation":1,"image":"","index":2,"name":"squad-agent-g1-2","outcome":"stopped","pane":"%3","pid":1003,"pid_start":7,"position":27,"ready_since":1700000000.2,"reason":"scaled-down","role":"agent","server":"1/2","signal":"TERM","started":17,"started_at":1700000000.1,"state":"stopped","stop":{"at":1700000002.699999,"deadline":1700000012.6999993,"reason":"scaled-down","release":true},"team":"squad","uid":"1c4674ac11e12fad","workspace":"demo"}');
INSERT INTO "sessions" VALUES('c208b38722bd7e19','demo','{"cleared_at":1700000004.999999,"command":"","created_at":1700000004.999999,"delay":0.0,"generation":0,"image":"","index":0,"name":"adhoc-0","one_off":true,"position":28,"role":"adhoc","state":"pending","team":"adhoc","template":{},"uid":"c208b38722bd7e19","workspace":"demo"}');
CREATE TABLE teams (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "teams" VALUES('demo/squad','demo','{"created_at":1700000000.0,"name":"squad","position":3,"roles":["agent"],"uid":"d19b42e12af6e3b5","workspace":"demo"}');
CREATE TABLE workspaces (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "workspaces" VALUES('demo','demo','{"created_at":1700000000.0,"name":"demo","position":2,"uid":"e1d0f646f3722067"}');
CREATE INDEX events_command ON events (command) WHERE command IS NOT NULL;
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE TRIGGER events_no_replace BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM events WHERE position = NEW.position OR (stream = NEW.stream AND stream_version = NEW.stream_version)) BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END;
CREATE INDEX workspaces_workspace ON workspaces (workspace);
CREATE INDEX teams_workspace ON teams (workspace);
CREATE INDEX roles_workspace ON roles (workspace);
CREATE INDEX cohorts_workspace ON cohorts (workspace);
CREATE INDEX sessions_workspace ON sessions (workspace);
CREATE INDEX endpoints_workspace ON endpoints (workspace);
CREATE INDEX generations_workspace ON generations (workspace);
CREATE INDEX daemons_workspace ON daemons (workspace);
CREATE INDEX clocks_workspace ON clocks (workspace);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',29);
COMMIT;
