'use strict';
/* Written by yima.sdk.web.tables. */
(globalThis.yima ??= {}).tables = {
 "code": {
  "version": {
   "en": "version",
   "zh": "版本号"
  },
  "length": {
   "en": "length of fields 3 to 17",
   "zh": "数据长度"
  },
  "certificate": {
   "en": "issuer certificate",
   "zh": "发卡机构公钥证书"
  },
  "payment_account": {
   "en": "payment account",
   "zh": "支付账户号"
  },
  "card_account": {
   "en": "card account",
   "zh": "卡账户号"
  },
  "organisation": {
   "en": "issuing institution",
   "zh": "发卡机构号"
  },
  "platform": {
   "en": "code-issuing platform",
   "zh": "发码平台编号"
  },
  "account_type": {
   "en": "account type",
   "zh": "卡账户类型"
  },
  "cap": {
   "en": "cap on one trip",
   "zh": "单次消费金额上限"
  },
  "rider_key": {
   "en": "rider's public key",
   "zh": "支付账户用户公钥"
  },
  "authorised_until": {
   "en": "authorisation expiry",
   "zh": "支付账户系统授权过期时间"
  },
  "validity": {
   "en": "validity of one code",
   "zh": "二维码有效时间"
  },
  "issuer_data_length": {
   "en": "length of issuer's data",
   "zh": "发卡机构自定义域长度"
  },
  "issuer_data": {
   "en": "issuer's own data",
   "zh": "发卡机构自定义域"
  },
  "issuer_signature": {
   "en": "issuer authorisation signature",
   "zh": "发卡机构授权签名"
  },
  "generated_at": {
   "en": "generation time",
   "zh": "二维码生成时间"
  },
  "rider_signature": {
   "en": "rider signature",
   "zh": "支付账户用户私钥签名"
  }
 },
 "certificate": {
  "header": {
   "en": "record header",
   "zh": "记录头"
  },
  "service_id": {
   "en": "service id",
   "zh": "服务标识"
  },
  "root_index": {
   "en": "root CA index",
   "zh": "根 CA 公钥索引"
  },
  "format": {
   "en": "certificate format",
   "zh": "证书格式"
  },
  "issuer_id": {
   "en": "issuer id",
   "zh": "发卡机构标识"
  },
  "expiry": {
   "en": "expiry",
   "zh": "证书失效日期"
  },
  "serial": {
   "en": "serial number",
   "zh": "证书序列号"
  },
  "signature_algorithm": {
   "en": "signature algorithm",
   "zh": "签名算法标识"
  },
  "encryption_algorithm": {
   "en": "encryption algorithm",
   "zh": "加密算法标识"
  },
  "curve_parameter": {
   "en": "curve parameter",
   "zh": "公钥参数标识"
  },
  "key_length": {
   "en": "key length",
   "zh": "公钥长度"
  },
  "issuer_key": {
   "en": "issuer's public key",
   "zh": "发卡机构公钥"
  },
  "ca_signature": {
   "en": "CA signature",
   "zh": "CA 签名"
  }
 },
 "suishen": {
  "size": 211,
  "card": 115,
  "layout": [
   {
    "name": "outer_signature",
    "offset": 0,
    "size": 64,
    "text": {
     "en": "outer signature",
     "zh": "外层签名"
    }
   },
   {
    "name": "uuid",
    "offset": 64,
    "size": 32,
    "text": {
     "en": "UUID",
     "zh": "UUID"
    }
   },
   {
    "name": "flags",
    "offset": 96,
    "size": 2,
    "text": {
     "en": "flags (4000: usable for transit)",
     "zh": "标志（4000：可用于交通）"
    }
   },
   {
    "name": "client",
    "offset": 98,
    "size": 2,
    "text": {
     "en": "client",
     "zh": "客户端"
    }
   },
   {
    "name": "expiry",
    "offset": 100,
    "size": 14,
    "text": {
     "en": "expiry, Beijing time",
     "zh": "失效时间（北京时间）"
    }
   },
   {
    "name": "key_index",
    "offset": 114,
    "size": 1,
    "text": {
     "en": "index of the outer key",
     "zh": "外层公钥索引"
    }
   },
   {
    "name": "card_account",
    "offset": 115,
    "size": 10,
    "text": {
     "en": "card number",
     "zh": "卡号"
    }
   },
   {
    "name": "enabled",
    "offset": 125,
    "size": 2,
    "text": {
     "en": "enabled for (8000: metro)",
     "zh": "开通标志（8000：地铁）"
    }
   },
   {
    "name": "user_type",
    "offset": 127,
    "size": 1,
    "text": {
     "en": "user type",
     "zh": "用户类型"
    }
   },
   {
    "name": "cap",
    "offset": 128,
    "size": 3,
    "text": {
     "en": "cap on one trip",
     "zh": "单次消费金额上限"
    }
   },
   {
    "name": "validity",
    "offset": 131,
    "size": 2,
    "text": {
     "en": "validity",
     "zh": "二维码有效时间"
    }
   },
   {
    "name": "generated_at",
    "offset": 133,
    "size": 4,
    "text": {
     "en": "generation time",
     "zh": "二维码生成时间"
    }
   },
   {
    "name": "transport_key_index",
    "offset": 137,
    "size": 1,
    "text": {
     "en": "index of the transport key",
     "zh": "交通公钥索引"
    }
   },
   {
    "name": "reserved",
    "offset": 138,
    "size": 9,
    "text": {
     "en": "reserved",
     "zh": "保留"
    }
   },
   {
    "name": "transport_signature",
    "offset": 147,
    "size": 64,
    "text": {
     "en": "transport signature",
     "zh": "交通数据签名"
    }
   }
  ],
  "users": {
   "1": "ordinary",
   "2": "senior",
   "3": "military",
   "4": "test"
  }
 },
 "families": {
  "ministry": {
   "en": "ministry code, JT/T 1179: offline, three SM2 signatures",
   "zh": "部标码（JT/T 1179）：离线，三个 SM2 签名"
  },
  "unified": {
   "en": "unified-platform code: 55, then the ministry's layout; offline",
   "zh": "统一发码平台的码：55 后接部标码数据；离线"
  },
  "ministry-226": {
   "en": "the ministry's older form of about 226 bytes, without certificate, met on terminals of 2019; the issuer's key is looked up by its id",
   "zh": "旧版部标码（约 226 字节，无证书，见于 2019 年的终端）；按密钥编号查找发卡机构公钥"
  },
  "suishen": {
   "en": "随申码 (Shanghai), transit form: offline, two SM2 signatures. Its layout is known from a metro reader's structures, not from a sample",
   "zh": "随申码（上海）交通形态：离线，两个 SM2 签名。其结构来自地铁读码器，未经样码验证"
  },
  "suishen-hall": {
   "en": "a web address, such as 随申码's service-hall form: can be verified online only",
   "zh": "网址（如随申码政务大厅形态）：只能联网核验"
  },
  "alipay": {
   "en": "Alipay ride code: offline, ECDSA",
   "zh": "支付宝乘车码：离线，ECDSA"
  },
  "city-card": {
   "en": "a city card's own code: offline, body as Alipay's",
   "zh": "城市一卡通自有码：离线，数据同支付宝乘车码"
  },
  "wechat": {
   "en": "WeChat ride code: needs the vendor's SDK",
   "zh": "微信乘车码：需厂商 SDK"
  },
  "unionpay": {
   "en": "UnionPay code: all digits, verified online",
   "zh": "银联码：纯数字，联网核验"
  },
  "sufu": {
   "en": "苏服码 (Jiangsu): only its issuer can verify it, online; known by a prefix in the parameters, since no public form of it exists",
   "zh": "苏服码（江苏）：只能由发码方联网核验；无公开格式，按参数中的前缀识别"
  },
  "anhui": {
   "en": "安徽码 (Anhui): only its issuer can verify it, online; known by a prefix in the parameters",
   "zh": "安徽码：只能由发码方联网核验；按参数中的前缀识别"
  },
  "zhejiang": {
   "en": "浙江码 (Zhejiang): only its issuer can verify it, online; known by a prefix in the parameters",
   "zh": "浙江码：只能由发码方联网核验；按参数中的前缀识别"
  },
  "unknown": {
   "en": "no family that is known here",
   "zh": "未知码类"
  }
 },
 "stages": [
  "format",
  "certificate",
  "issuer signature",
  "rider signature",
  "time",
  "permission",
  "repetition"
 ],
 "testRoots": [
  {
   "index": 1,
   "key": "f8ecfa98612ecb5cf9c0ebcaa8c9c67714f6ee948cff7226ef7e39000542930fbea4c6cef060c660ed51c93ebd11696208373792096609cdda3c7726b563b50f"
  }
 ],
 "card": "59494d412043415244203120000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff2059494d41"
};
