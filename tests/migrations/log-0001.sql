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
	said_at INTEGER, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (uid)
);
INSERT INTO "beats" VALUES('6181013d39220a02',1,12.5,NULL,1);
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
INSERT INTO "cohorts" VALUES('demo/squad/agent/2','demo','{"count":2,"created_at":1700000004.999999,"generation":2,"position":36,"proven":true,"role":"agent","team":"squad","template":{"runtime":{"command":"agent","cwd":"/"}},"workspace":"demo"}');
INSERT INTO "cohorts" VALUES('demo/squad/agent/3','demo','{"count":2,"created_at":1700000009.699998,"generation":3,"position":66,"proven":true,"role":"agent","team":"squad","template":{"runtime":{"command":"agent","cwd":"/"}},"workspace":"demo"}');
CREATE TABLE daemons (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "daemons" VALUES('daemon','','{"pid":1,"position":73,"run_id":"run","started_at":1700000000.0,"stopped_at":1700000009.699998,"version":"0"}');
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
INSERT INTO "events" VALUES(1,1700000000000000,'log',1,'log.created',1,NULL,NULL,NULL,NULL,NULL,NULL,'marvel',NULL,NULL,'{"log_id":"30c3896ed2224acc"}',X'808B8E0AE55C2778E45B7C40C3A0A79E72A49206AA47984B040A01B9DFFD582A');
INSERT INTO "events" VALUES(2,1700000000000000,'workspace/demo',1,'workspace.created',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"uid":"e1d0f646f3722067"}',X'411BB41E814FBFD3D2D46A1001F6FAA586BE7AD58D5EDDF15B56FC5369553323');
INSERT INTO "events" VALUES(3,1700000000000000,'team/demo/squad',1,'team.applied',1,'demo','squad',NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"roles":["agent"],"uid":"d19b42e12af6e3b5"}',X'817250FD123F50647BFEE1082DC7EDCD01200E7035CE7837632402B2BA98E92E');
INSERT INTO "events" VALUES(4,1700000000000000,'role/demo/squad/agent',1,'role.applied',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":3,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"uid":"92d14d2920b27383"}',X'955E36C61EA8812BA108CDD537C729253E1A97E8890E6A666A731759E9E683FE');
INSERT INTO "events" VALUES(5,1700000000000000,'workspace/demo',2,'endpoint.applied',1,'demo',NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"name":"svc","team":"squad","uid":"c017182926920f87"}',X'BF633768F6630670BA5CCA4F54E153E0F1D64A8E7A8BDD206AE52EAA9D14F2A3');
INSERT INTO "events" VALUES(6,1700000000000000,'log',2,'daemon.started',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"pid":1,"run_id":"run","version":"0"}',X'CCE8A7C13FD837E84FE96A26A25D879062E08215B5F03326E55809A6A84B76AC');
INSERT INTO "events" VALUES(7,1700000000000000,'role/demo/squad/agent',2,'cohort.created',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,4,'{"count":3,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'920A4147B3C441D340AC29BB380EC9D955CC2876993706257D77D7F2766FDE8A');
INSERT INTO "events" VALUES(8,1700000000000000,'session/demo/squad-agent-g1-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"image":"","index":0}',X'BB940ACD903967599BFB9EC99E44AE9E3FA9BD92B04377646B7A0882B9C284AB');
INSERT INTO "events" VALUES(9,1700000000000000,'session/demo/squad-agent-g1-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":1,"reason":"template-unproven"}',X'F4B70608C06FFC3111F3FA02C0CF002E9A3C3C71977F93AE501918F58E77DD89');
INSERT INTO "events" VALUES(10,1700000000000000,'session/demo/squad-agent-g1-2',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,7,'{"command":"agent","delay":0.0,"held":true,"image":"","index":2,"reason":"template-unproven"}',X'5A57921E0F816450DBD2D50770B052C5E5C0105548EDE49A391724B8CCBCDDD6');
INSERT INTO "events" VALUES(11,1700000000000000,'session/demo/squad-agent-g1-0',2,'session.started',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,8,'{"pane":"%1","pid":1001,"pid_start":7,"server":"1/2"}',X'52487107915FF43BD600002FC7C96C33E546EE9FF5F086B865843521AB7A08E3');
INSERT INTO "events" VALUES(12,1700000000100000,'session/demo/squad-agent-g1-0',3,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:health',NULL,11,'{"ready":true}',X'4D6615C47E8B42325BBF63608AD76374C10B05906CA90575B847DD5A088AFB15');
INSERT INTO "events" VALUES(13,1700000000100000,'role/demo/squad/agent',3,'cohort.proven',1,'demo','squad','agent',NULL,NULL,1,'controller:sessions',NULL,12,'{}',X'570AB17DB43F40F2B9369E50BE5C9AB1F705C9276EAA282C95FDAA7476AE1228');
INSERT INTO "events" VALUES(14,1700000000100000,'session/demo/squad-agent-g1-0',4,'health.changed',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'controller:health',NULL,12,'{"health":"healthy","reason":"its process is alive"}',X'11ECB001419DBD4405E3603DF1CF13F17B07E035516EC3D5FDC3C8081C0F1DCD');
INSERT INTO "events" VALUES(15,1700000000100000,'session/demo/squad-agent-g1-1',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,13,'{}',X'E060CD938149C66A98F98DE29C696B73452EC5FFDBCFD310E5CE2FFC9C55E3EE');
INSERT INTO "events" VALUES(16,1700000000100000,'session/demo/squad-agent-g1-2',2,'session.cleared',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,13,'{}',X'782BCEF967BC38F3C19FCF22F02EAB63E036FF7A75BB6F85AEB94284EB9B010E');
INSERT INTO "events" VALUES(17,1700000000100000,'session/demo/squad-agent-g1-1',3,'session.started',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'test',NULL,15,'{"pane":"%2","pid":1002,"pid_start":7,"server":"1/2"}',X'B5C4B04AEFA13DEEE0DF50763680F8D32C2F410A718CC4A67DF752D1BBAC3CF1');
INSERT INTO "events" VALUES(18,1700000000100000,'session/demo/squad-agent-g1-2',3,'session.started',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,16,'{"pane":"%3","pid":1003,"pid_start":7,"server":"1/2"}',X'0CE2EC379881263061B293C98AE346C7F2D18D25F516B2760AC1717FDDCF7414');
INSERT INTO "events" VALUES(19,1700000000200000,'session/demo/squad-agent-g1-1',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:health',NULL,17,'{"ready":true}',X'0623A0B4A917907A05D53F9D4257C3B8EDE5E9DEA101F386164B92B0B6D3D089');
INSERT INTO "events" VALUES(20,1700000000200000,'session/demo/squad-agent-g1-2',4,'session.readied',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:health',NULL,18,'{"ready":true}',X'ACB2C2ACBDBF2A2113ED3B28C8D73944F0282BDD0B857200630C3022BAA4A34B');
INSERT INTO "events" VALUES(21,1700000000200000,'session/demo/squad-agent-g1-1',5,'health.changed',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:health',NULL,19,'{"health":"healthy","reason":"its process is alive"}',X'AFF38812929F12254B1030A5A34A6766094ADDB0244D7DC6D4C6C27FF75BCB5B');
INSERT INTO "events" VALUES(22,1700000000200000,'session/demo/squad-agent-g1-2',5,'health.changed',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:health',NULL,20,'{"health":"healthy","reason":"its process is alive"}',X'F421675E740D574ED754A4DA57CE00052D7A0B35E9389E48AE581B84C1EA1469');
INSERT INTO "events" VALUES(23,1700000001400000,'session/demo/squad-agent-g1-0',5,'session.ended',1,'demo','squad','agent','squad-agent-g1-0','fb355baa22f2e727',1,'test',NULL,14,'{"exit_status":7,"reason":"crashed","state":"failed"}',X'176242BD15C28491253A82DB710A31DC0DE030169F1C9F23F130EECFAA8984FD');
INSERT INTO "events" VALUES(24,1700000001400000,'session/demo/squad-agent-g1-0',6,'session.scheduled',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:sessions',NULL,23,'{"command":"agent","delay":0.0,"image":"","index":0,"replaces":"fb355baa22f2e727","restarts":1,"streak":1}',X'1577DFD3C1289C02804417085D242CAE39511BB31CA0FAA0CA1C864566FFC291');
INSERT INTO "events" VALUES(25,1700000001400000,'session/demo/squad-agent-g1-0',7,'session.started',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'test',NULL,24,'{"pane":"%4","pid":1004,"pid_start":7,"server":"1/2"}',X'ECB7067CCAEECF23DDA989AD9FAD0E9EAE55565B2F9C6BEB29ABF7C83A74E395');
INSERT INTO "events" VALUES(26,1700000001500000,'session/demo/squad-agent-g1-0',8,'session.readied',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:health',NULL,25,'{"ready":true}',X'19BD5208B8C9BD668AE25AF0E1C672CBC3667CC2CCC5F4DAB74633AAAD67B1D6');
INSERT INTO "events" VALUES(27,1700000001500000,'session/demo/squad-agent-g1-0',9,'health.changed',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:health',NULL,26,'{"health":"healthy","reason":"its process is alive"}',X'A51FC52F3C5DA581014FF86733495FD668FAC7C0079702628290AD1A5512E6AB');
INSERT INTO "events" VALUES(28,1700000002699999,'role/demo/squad/agent',4,'role.scaled',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"replicas":2}',X'F14E67790BDEC5A0D85E4222D5072C21ED7BB6849195B5A35DC958138DFD4796');
INSERT INTO "events" VALUES(29,1700000002699999,'role/demo/squad/agent',5,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,28,'{"count":2}',X'5BFAE829F37BDBB368AC373C5C299A4AD547F3C6537E054C0B758F87FD1B249E');
INSERT INTO "events" VALUES(30,1700000002699999,'session/demo/squad-agent-g1-2',6,'session.stopping',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'controller:sessions',NULL,29,'{"deadline":1700000012.6999993,"reason":"scaled-down","release":true}',X'8C3A8E4B6EC4F5E83731D816C01EC31885E716322CB2CF01DED5F1406E39138F');
INSERT INTO "events" VALUES(31,1700000003899999,'session/demo/squad-agent-g1-2',7,'session.ended',1,'demo','squad','agent','squad-agent-g1-2','1c4674ac11e12fad',1,'test',NULL,30,'{"reason":"scaled-down","signal":"TERM","state":"stopped"}',X'2994CFDA5C1CBE03C2E64074DB82F1A0A2268B49B021295D13F62D69D4E09E5C');
INSERT INTO "events" VALUES(32,1700000004999999,'role/demo/squad/agent',6,'shift.requested',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"requested"}',X'FB91A289180FC629BB4750FCD40EE2382B460AA10CBA9A40772DD01955EDE041');
INSERT INTO "events" VALUES(33,1700000004999999,'role/demo/squad/agent',7,'cohort.created',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,32,'{"count":0,"proven":true,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'43DA3B8968425F3CE4AD2A94A8F9F77EF3571DD8854DCEECCC2F836F0AB24252');
INSERT INTO "events" VALUES(34,1700000004999999,'role/demo/squad/agent',8,'shift.started',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,32,'{"from_generation":1,"reason":"requested"}',X'0788E7A861110FCB2BD55A248E01E1F0A9688821EF3D7BAB39027BBF81CB0641');
INSERT INTO "events" VALUES(35,1700000004999999,'role/demo/squad/agent',9,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,34,'{"old":2,"phase":"launching","ready":0,"replicas":2}',X'CBE08AF0AB5FAFBC69511C9E6C512CA42FF9DEF95AFF6F1CB66FD6B1E4EDD0E3');
INSERT INTO "events" VALUES(36,1700000004999999,'role/demo/squad/agent',10,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,35,'{"count":2}',X'CE987AB5A62512C5FD77FEBCBFF53DB2080B63F89F9C75857465A2EB247F042B');
INSERT INTO "events" VALUES(37,1700000004999999,'session/demo/squad-agent-g2-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:sessions',NULL,36,'{"command":"agent","delay":0.0,"image":"","index":0}',X'48415AEBD92EF0E32B3A8AB0563A4EB71A8BC1EB70D4F20C266AD1A3E1C98266');
INSERT INTO "events" VALUES(38,1700000004999999,'session/demo/squad-agent-g2-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:sessions',NULL,36,'{"command":"agent","delay":0.0,"image":"","index":1}',X'629EC0AC4596412D7A51E28B1EF6CDC3679529121571418A876ED3719F758D67');
INSERT INTO "events" VALUES(39,1700000004999999,'role/demo/squad/agent',11,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,35,'{"deadline":1700000304.999999,"old":2,"phase":"launching","ready":0,"replicas":2}',X'0B316D6B1A5C2F408F6E827A04C47156943445E587AD355826949D4A5EDAC0CB');
INSERT INTO "events" VALUES(40,1700000004999999,'session/demo/squad-agent-g2-0',2,'session.paired',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:shifts',NULL,27,'{"predecessor":"dfdb700c0ebbcfb5"}',X'881526225A27F18A0F1A103FE358C8002254057BC94431A390A90546AC8AA39D');
INSERT INTO "events" VALUES(41,1700000004999999,'session/demo/squad-agent-g2-1',2,'session.paired',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:shifts',NULL,21,'{"predecessor":"70fba57e21af6fda"}',X'2DDE1E7B09EE2B1DD583EFE3CC653C63BC3F67C4D4D6DE86879263E32B427EB4');
INSERT INTO "events" VALUES(42,1700000004999999,'session/demo/squad-agent-g2-0',3,'session.started',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'test',NULL,40,'{"pane":"%5","pid":1005,"pid_start":7,"server":"1/2"}',X'6E47043B1736951B2AC0B17D96BC29D31C5B9A4F849B3AD44384D75B77B6B5D0');
INSERT INTO "events" VALUES(43,1700000004999999,'session/demo/squad-agent-g2-1',3,'session.started',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'test',NULL,41,'{"pane":"%6","pid":1006,"pid_start":7,"server":"1/2"}',X'412AD3A8668AE2173399B6A15AFE82F1700F9FFEBD39099AD425405B7218C3D5');
INSERT INTO "events" VALUES(44,1700000005099999,'session/demo/squad-agent-g2-0',4,'session.readied',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:health',NULL,42,'{"ready":true}',X'E8C65A6A7A3D0615BC7E9AFDA9BC3ED62FB6E335EBA92BBC82C4EFEC88BBB14B');
INSERT INTO "events" VALUES(45,1700000005099999,'session/demo/squad-agent-g2-1',4,'session.readied',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:health',NULL,43,'{"ready":true}',X'98FB1C285D1E67D8AC52E66B24965C59E9073032C1DB3ACB63F4A74C986053C5');
INSERT INTO "events" VALUES(46,1700000005099999,'role/demo/squad/agent',12,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,39,'{"old":2,"phase":"draining","ready":2,"replicas":2}',X'F9B2A314785364EFCD3456A28A3F2A1E008F7A9DFB02A7C5E3F7DFDE822F9AB3');
INSERT INTO "events" VALUES(47,1700000005099999,'session/demo/squad-agent-g2-0',5,'health.changed',1,'demo','squad','agent','squad-agent-g2-0','ba64baa7a3776239',2,'controller:health',NULL,44,'{"health":"healthy","reason":"its process is alive"}',X'D85D876096D8C9E95146A2D503C6584EDAA8F5A662C5BD948BEE92F746ED0ADF');
INSERT INTO "events" VALUES(48,1700000005099999,'session/demo/squad-agent-g2-1',5,'health.changed',1,'demo','squad','agent','squad-agent-g2-1','a954f3564a8ff26b',2,'controller:health',NULL,45,'{"health":"healthy","reason":"its process is alive"}',X'CA08778339B27AEC3FF5F3D9B1ACCA8619DBE8CBC38FC6745C6A09A2702D69D2');
INSERT INTO "events" VALUES(49,1700000005099999,'session/demo/squad-agent-g1-1',6,'session.retiring',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:shifts',NULL,46,'{"deadline":1700000605.099999,"reason":"shift"}',X'48751CF30491FC6B18B5F0695BF270A0D034F4301DA4EF4E4104D1AE1DEBFEAF');
INSERT INTO "events" VALUES(50,1700000005099999,'session/demo/squad-agent-g1-0',10,'session.retiring',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:shifts',NULL,46,'{"deadline":1700000605.099999,"reason":"shift"}',X'262658213C0C799F00F202410CFA6E4B063F9262B42435DB6822BCAB5411315D');
INSERT INTO "events" VALUES(51,1700000005099999,'session/demo/squad-agent-g1-0',11,'session.dismissed',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:shifts',NULL,50,'{"reason":"shift"}',X'6FAF5BA765CA0105776AF70908FB648804E068AB6250E29891AF8384A768D69E');
INSERT INTO "events" VALUES(52,1700000005099999,'role/demo/squad/agent',13,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,50,'{"count":1}',X'1AD3C77E2F4EF9857E4858BC1337C8F81DCADA70D6ECDC6C4AF04D17E3119770');
INSERT INTO "events" VALUES(53,1700000005099999,'session/demo/squad-agent-g1-1',7,'session.dismissed',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:shifts',NULL,49,'{"reason":"shift"}',X'E94A74ED583FEC64E0046962794E0D978C313F26B82ACD49A149BDFAE06B9AC3');
INSERT INTO "events" VALUES(54,1700000005099999,'role/demo/squad/agent',14,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,49,'{"count":0}',X'C45F37B5F5640214B7958965585392BF0407B924FBFE6B814E15CB2D6FAAA88B');
INSERT INTO "events" VALUES(55,1700000005099999,'session/demo/squad-agent-g1-0',12,'session.stopping',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'controller:sessions',NULL,54,'{"deadline":1700000015.099999,"reason":"replaced","release":true}',X'10DD953AFE367A404DC8A32E39F333CD73A8211C563B856667D2E1A12712FF37');
INSERT INTO "events" VALUES(56,1700000005099999,'session/demo/squad-agent-g1-1',8,'session.stopping',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'controller:sessions',NULL,54,'{"deadline":1700000015.099999,"reason":"replaced","release":true}',X'83CE67A410406EE7044ED99B4C9B82770F03F8D6FB621B4EAC17C47D2F76BF61');
INSERT INTO "events" VALUES(57,1700000005099999,'role/demo/squad/agent',15,'shift.progressed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,46,'{"old":2,"phase":"launching","ready":2,"replicas":2}',X'9C94398EABED503702C6AC3F1D60409B5519CB0BDA44E4A87A94F7D01D2F2FB3');
INSERT INTO "events" VALUES(58,1700000006299999,'session/demo/squad-agent-g1-1',9,'session.ended',1,'demo','squad','agent','squad-agent-g1-1','70fba57e21af6fda',1,'test',NULL,56,'{"reason":"replaced","signal":"TERM","state":"stopped"}',X'D6D4E07B8670A66379F8CA979FB40196DFBDA52CD3B98726C306835D31AA05FA');
INSERT INTO "events" VALUES(59,1700000006299999,'session/demo/squad-agent-g1-0',13,'session.ended',1,'demo','squad','agent','squad-agent-g1-0','dfdb700c0ebbcfb5',1,'test',NULL,55,'{"reason":"replaced","signal":"TERM","state":"stopped"}',X'0B0FE245D5F37EADDFB8590B8E452FB53BD2756A995F631028BE5EDAFEC4F369');
INSERT INTO "events" VALUES(60,1700000006299999,'role/demo/squad/agent',16,'shift.completed',1,'demo','squad','agent',NULL,NULL,2,'controller:shifts',NULL,57,'{}',X'D495A91F33A77C489FDE220EAE6E6851B908F2DC2DDD27863D8D05045164D99A');
INSERT INTO "events" VALUES(61,1700000006299999,'role/demo/squad/agent',17,'cohort.removed',1,'demo','squad','agent',NULL,NULL,1,'controller:shifts',NULL,54,'{}',X'5E4A6FD2847B3FFEBF467AF1E5A20FE8A2FA44F41A479594477BED337796DDD2');
INSERT INTO "events" VALUES(62,1700000009699998,'role/demo/squad/agent',18,'shift.requested',1,'demo','squad','agent',NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"requested"}',X'531F20A81E1D9E7E4657A8C0182772375739DBFA0A564B6893E0EA00A1F1B8FB');
INSERT INTO "events" VALUES(63,1700000009699998,'role/demo/squad/agent',19,'cohort.created',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,62,'{"count":0,"proven":true,"template":{"runtime":{"command":"agent","cwd":"/"}}}',X'849C5A819649C5EDAB234CA44229C099B005E6A74630ABD1E4795E4AB35B612B');
INSERT INTO "events" VALUES(64,1700000009699998,'role/demo/squad/agent',20,'shift.started',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,62,'{"from_generation":2,"reason":"requested"}',X'210BF06B5623566EC16D6D8871AA352ADD54CC22D5A5281E28B1565CAEA3F64F');
INSERT INTO "events" VALUES(65,1700000009699998,'role/demo/squad/agent',21,'shift.progressed',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,64,'{"old":2,"phase":"launching","ready":0,"replicas":2}',X'1F5F7576259FB216CDD2B7F2DDA88C25FFDDB0874C171CFA773C63E52751E814');
INSERT INTO "events" VALUES(66,1700000009699998,'role/demo/squad/agent',22,'cohort.scaled',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,65,'{"count":2}',X'61D287768C2F7EE5D21D05E9E3B51E4EC9ECFB81175FDB1FF906C2CD227FCCBC');
INSERT INTO "events" VALUES(67,1700000009699998,'session/demo/squad-agent-g3-0',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g3-0','6181013d39220a02',3,'controller:sessions',NULL,66,'{"command":"agent","delay":0.0,"image":"","index":0}',X'86C194427D1D3A2A517A579A53E8B220AAE06FBD7726A99AD427083E10437F61');
INSERT INTO "events" VALUES(68,1700000009699998,'session/demo/squad-agent-g3-1',1,'session.scheduled',1,'demo','squad','agent','squad-agent-g3-1','a3b88dc765206889',3,'controller:sessions',NULL,66,'{"command":"agent","delay":0.0,"image":"","index":1}',X'310F4BA6EAEFE447B9B3B5DE82E64A1A670DD470CBFD0D59087E17AAC1DB8D46');
INSERT INTO "events" VALUES(69,1700000009699998,'role/demo/squad/agent',23,'shift.progressed',1,'demo','squad','agent',NULL,NULL,3,'controller:shifts',NULL,65,'{"deadline":1700000309.6999984,"old":2,"phase":"launching","ready":0,"replicas":2}',X'E9CF811A05D31F4E8377861DD4AD82B571EE30540308DED8DC9FBCDE191A4F44');
INSERT INTO "events" VALUES(70,1700000009699998,'session/demo/squad-agent-g3-0',2,'session.paired',1,'demo','squad','agent','squad-agent-g3-0','6181013d39220a02',3,'controller:shifts',NULL,47,'{"predecessor":"ba64baa7a3776239"}',X'BC9090318CA0A1FE052E114A2AA6EBA50A6D1A6F004CC97B9C36CA88FAE682A6');
INSERT INTO "events" VALUES(71,1700000009699998,'session/demo/squad-agent-g3-1',2,'session.paired',1,'demo','squad','agent','squad-agent-g3-1','a3b88dc765206889',3,'controller:shifts',NULL,48,'{"predecessor":"a954f3564a8ff26b"}',X'E23E057AEA8C8C7AF592EAB4125B9F1253A4A2228F107E2356F0CAAD33F61130');
INSERT INTO "events" VALUES(72,1700000009699998,'session/demo/adhoc-0',1,'session.scheduled',1,'demo','adhoc','adhoc','adhoc-0','bb822dcee379ae47',0,'test',NULL,NULL,'{"command":"","image":"","index":0,"one_off":true,"template":{}}',X'B3E9B56D605DD5CFFF82BC31AA38586B996E94CF4EFB9D9045B20BFE70E4DB6C');
INSERT INTO "events" VALUES(73,1700000009699998,'log',3,'daemon.stopped',1,NULL,NULL,NULL,NULL,NULL,NULL,'test',NULL,NULL,'{"reason":"stop","run_id":"run"}',X'242642E1B545013DD690DE2EEE22A124A438901AE0D80BF98520324DAA8B34B4');
CREATE TABLE generations (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "generations" VALUES('demo/squad/agent','demo','{"generation":3,"past":[{"generation":1,"template":{"runtime":{"command":"agent","cwd":"/"}}}],"position":63,"role":"agent","team":"squad","workspace":"demo"}');
CREATE TABLE meta (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('log_id','30c3896ed2224acc');
INSERT INTO "meta" VALUES('projection','1');
CREATE TABLE roles (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "roles" VALUES('demo/squad/agent','demo','{"created_at":1700000000.0,"name":"agent","position":28,"replicas":2,"spec":{"healthcheck":{},"name":"agent","replicas":3,"template":{"runtime":{"command":"agent","cwd":"/"}}},"team":"squad","uid":"92d14d2920b27383","workspace":"demo"}');
CREATE TABLE sessions (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "sessions" VALUES('fb355baa22f2e727','demo','{"cleared_at":1700000000.0,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000001.4,"exit_status":7,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.1,"image":"","index":0,"name":"squad-agent-g1-0","pane":"%1","passed_at":1700000000.1,"pid":1001,"pid_start":7,"position":24,"ready_since":1700000000.1,"reason":"crashed","role":"agent","server":"1/2","started":11,"started_at":1700000000.0,"state":"failed","team":"squad","uid":"fb355baa22f2e727","workspace":"demo"}');
INSERT INTO "sessions" VALUES('1c4674ac11e12fad','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000003.899999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.2,"image":"","index":2,"name":"squad-agent-g1-2","outcome":"stopped","pane":"%3","passed_at":1700000000.2,"pid":1003,"pid_start":7,"position":31,"ready_since":1700000000.2,"reason":"scaled-down","role":"agent","server":"1/2","signal":"TERM","started":18,"started_at":1700000000.1,"state":"stopped","stop":{"at":1700000002.699999,"deadline":1700000012.6999993,"reason":"scaled-down","release":true},"team":"squad","uid":"1c4674ac11e12fad","workspace":"demo"}');
INSERT INTO "sessions" VALUES('ba64baa7a3776239','demo','{"cleared_at":1700000004.999999,"command":"agent","created_at":1700000004.999999,"delay":0.0,"generation":2,"health":"healthy","health_reason":"its process is alive","health_since":1700000005.099999,"image":"","index":0,"name":"squad-agent-g2-0","pane":"%5","passed_at":1700000005.099999,"pid":1005,"pid_start":7,"position":47,"predecessor":"dfdb700c0ebbcfb5","ready":true,"ready_since":1700000005.099999,"role":"agent","server":"1/2","started":42,"started_at":1700000004.999999,"state":"running","team":"squad","uid":"ba64baa7a3776239","workspace":"demo"}');
INSERT INTO "sessions" VALUES('a954f3564a8ff26b','demo','{"cleared_at":1700000004.999999,"command":"agent","created_at":1700000004.999999,"delay":0.0,"generation":2,"health":"healthy","health_reason":"its process is alive","health_since":1700000005.099999,"image":"","index":1,"name":"squad-agent-g2-1","pane":"%6","passed_at":1700000005.099999,"pid":1006,"pid_start":7,"position":48,"predecessor":"70fba57e21af6fda","ready":true,"ready_since":1700000005.099999,"role":"agent","server":"1/2","started":43,"started_at":1700000004.999999,"state":"running","team":"squad","uid":"a954f3564a8ff26b","workspace":"demo"}');
INSERT INTO "sessions" VALUES('70fba57e21af6fda','demo','{"cleared_at":1700000000.1,"command":"agent","created_at":1700000000.0,"current":false,"delay":0.0,"ended_at":1700000006.299999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000000.2,"image":"","index":1,"name":"squad-agent-g1-1","outcome":"stopped","pane":"%2","passed_at":1700000000.2,"pid":1002,"pid_start":7,"position":58,"ready_since":1700000000.2,"reason":"replaced","retirement":{"at":1700000005.099999,"deadline":1700000605.099999,"dismissed":true,"reason":"shift"},"role":"agent","server":"1/2","signal":"TERM","started":17,"started_at":1700000000.1,"state":"stopped","stop":{"at":1700000005.099999,"deadline":1700000015.099999,"reason":"replaced","release":true},"team":"squad","uid":"70fba57e21af6fda","workspace":"demo"}');
INSERT INTO "sessions" VALUES('dfdb700c0ebbcfb5','demo','{"cleared_at":1700000001.4,"command":"agent","created_at":1700000001.4,"current":false,"delay":0.0,"ended_at":1700000006.299999,"generation":1,"health":"healthy","health_reason":"its process is alive","health_since":1700000001.5,"image":"","index":0,"name":"squad-agent-g1-0","outcome":"stopped","pane":"%4","passed_at":1700000001.5,"pid":1004,"pid_start":7,"position":59,"ready_since":1700000001.5,"reason":"replaced","replaces":"fb355baa22f2e727","restarts":1,"retirement":{"at":1700000005.099999,"deadline":1700000605.099999,"dismissed":true,"reason":"shift"},"role":"agent","server":"1/2","signal":"TERM","started":25,"started_at":1700000001.4,"state":"stopped","stop":{"at":1700000005.099999,"deadline":1700000015.099999,"reason":"replaced","release":true},"streak":1,"team":"squad","uid":"dfdb700c0ebbcfb5","workspace":"demo"}');
INSERT INTO "sessions" VALUES('6181013d39220a02','demo','{"cleared_at":1700000009.699998,"command":"agent","created_at":1700000009.699998,"delay":0.0,"generation":3,"image":"","index":0,"name":"squad-agent-g3-0","position":70,"predecessor":"ba64baa7a3776239","role":"agent","state":"pending","team":"squad","uid":"6181013d39220a02","workspace":"demo"}');
INSERT INTO "sessions" VALUES('a3b88dc765206889','demo','{"cleared_at":1700000009.699998,"command":"agent","created_at":1700000009.699998,"delay":0.0,"generation":3,"image":"","index":1,"name":"squad-agent-g3-1","position":71,"predecessor":"a954f3564a8ff26b","role":"agent","state":"pending","team":"squad","uid":"a3b88dc765206889","workspace":"demo"}');
INSERT INTO "sessions" VALUES('bb822dcee379ae47','demo','{"cleared_at":1700000009.699998,"command":"","created_at":1700000009.699998,"delay":0.0,"generation":0,"image":"","index":0,"name":"adhoc-0","one_off":true,"position":72,"role":"adhoc","state":"pending","team":"adhoc","template":{},"uid":"bb822dcee379ae47","workspace":"demo"}');
CREATE TABLE shifts (
	"key" TEXT NOT NULL, 
	workspace TEXT NOT NULL, 
	data TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "shifts" VALUES('demo/squad/agent','demo','{"cause":62,"deadline":1700000309.6999984,"from_generation":2,"old":2,"position":69,"reason":"requested","replicas":2,"requested_at":1700000009.699998,"role":"agent","started_at":1700000009.699998,"team":"squad","to_generation":3,"workspace":"demo"}');
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
CREATE INDEX shifts_workspace ON shifts (workspace);
CREATE INDEX generations_workspace ON generations (workspace);
CREATE INDEX daemons_workspace ON daemons (workspace);
CREATE INDEX clocks_workspace ON clocks (workspace);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',73);
COMMIT;
